import { CentralPostError, checkConfig, messageOf, readYaml } from '@centralpost/shared'
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { sandboxModes } from '../execution/sandbox/policy.ts'
import { profiles } from '../execution/sandbox/profiles.ts'

const seconds = (by: number, least: number, most: number, what: string) =>
  z.number().min(least).max(most).default(by).describe(`seconds; ${what}`)

/** Every setting with its default. An unknown key is an error. */
export const hubConfigSchema = z.strictObject({
  hub: z
    .strictObject({
      id: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/)
        .optional()
        .describe('the name of this hub in results and audit; absent: the host name'),
      roots: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          'directories (with all below) that commands may work in; absent: where the hub was started',
        ),
      stop_grace: seconds(
        10,
        0,
        3600,
        'how long running commands may finish when the hub is stopped',
      ),
    })
    .prefault({}),
  broker: z
    .strictObject({
      port: z
        .int()
        .min(1)
        .max(65_535)
        .optional()
        .describe('of the embedded broker; absent: a free one, remembered'),
      queued_per_agent: z
        .int()
        .min(1)
        .max(100_000)
        .default(1000)
        .describe('requests the broker keeps for one agent'),
      replicas: z
        .int()
        .min(1)
        .max(5)
        .optional()
        .describe(
          'nodes of a cluster that keep requests and results; absent: three where there are as many, else one',
        ),
      request_days: z
        .number()
        .min(0.01)
        .max(365)
        .default(7)
        .describe('days a request waits for a hub'),
      result_days: z
        .number()
        .min(0.01)
        .max(365)
        .default(7)
        .describe('days the broker keeps results'),
    })
    .prefault({}),
  trust: z
    .strictObject({
      rules: z
        .string()
        .default('trust_rules.yaml')
        .describe('the rule file, relative to this file'),
    })
    .prefault({}),
  approvals: z
    .strictObject({
      pending: seconds(
        300,
        1,
        604_800,
        'a REVIEW action waits so long for a person, then it expires',
      ),
      execute_within: seconds(
        60,
        1,
        86_400,
        'an approval is void when the action has not started by then; it may stand in line for 20 times this',
      ),
      quorum: z
        .strictObject({
          low: z.int().min(1).max(16).default(1),
          medium: z.int().min(1).max(16).default(1),
          high: z.int().min(1).max(16).default(1),
        })
        .prefault({})
        .describe('how many operators must approve, by risk'),
      self_approval: z
        .boolean()
        .optional()
        .describe(
          'whether an operator may approve what they asked for as agent operator-NAME; ' +
            'absent: where the embedded broker knows one operator only',
        ),
      pending_per_agent: z
        .int()
        .min(1)
        .max(10_000)
        .default(50)
        .describe('more of one agent are rejected'),
      denials_to_cool_down: z
        .int()
        .min(1)
        .max(100)
        .default(5)
        .describe('so many denials within cool_down, and the agent must wait'),
      cool_down: seconds(60, 1, 86_400, 'how long'),
      rule_seconds: seconds(28_800, 60, 2_592_000, 'an always rule holds so long by default'),
      max_rule_seconds: seconds(604_800, 60, 31_536_000, 'the most an operator may ask for'),
    })
    .prefault({}),
  execution: z
    .strictObject({
      default_timeout: seconds(300, 0.1, 86_400, 'of a command whose request names none'),
      max_timeout: seconds(600, 0.1, 86_400, 'the most a request may ask for'),
      safe_timeout: seconds(
        120,
        0.1,
        86_400,
        'the most for what is SAFE, which nobody looks at: tail -f, sleep infinity end by it',
      ),
      kill_grace: seconds(5, 0, 600, 'between TERM and KILL'),
      max_output_bytes: z
        .int()
        .min(1024)
        .default(104_857_600)
        .describe('of one command, both streams together'),
      inline_bytes: z
        .int()
        .min(1024)
        .max(393_216)
        .default(262_144)
        .describe('of each stream inside a result'),
      kept_output: z
        .strictObject({
          max_bytes: z
            .int()
            .min(1_000_000)
            .default(10_000_000_000)
            .describe('of all long outputs that are kept beside their results'),
          max_bytes_per_agent: z
            .int()
            .min(1_000_000)
            .default(2_000_000_000)
            .describe('of these, of one agent'),
          days: z.number().min(0.01).max(3650).default(30).describe('how long one is kept'),
        })
        .prefault({}),
      parallel: z.int().min(1).max(256).default(4).describe('commands at the same time'),
      parallel_per_agent: z
        .int()
        .min(1)
        .max(256)
        .optional()
        .describe('of these, of one agent; at most, and where absent, one less than parallel'),
      queued_per_agent: z
        .int()
        .min(1)
        .max(100_000)
        .default(1000)
        .describe('actions of one agent that may stand in line for a place; more are rejected'),
      pass_env: z
        .array(z.string())
        .default([])
        .describe(
          "names of the hub's variables that commands see besides the usual harmless ones; empty: none",
        ),
      sandbox: z
        .strictObject({
          mode: z
            .enum(sandboxModes)
            .default('auto')
            .describe(
              'auto: what is SAFE runs confined, and where bubblewrap does not work a person is asked but for what reads no file; ' +
                'required: what should be confined does not start without it; off',
            ),
          bwrap: z
            .string()
            .startsWith('/')
            .optional()
            .describe(
              'the bwrap to use; absent: it is looked for on PATH and where set-up keeps it',
            ),
          safe: z.enum(profiles).default('ro-nonet').describe('the profile of SAFE commands'),
          review: z
            .enum(profiles)
            .default('none')
            .describe(
              'the profile of commands that a person has cleared; the approver is shown it',
            ),
        })
        .prefault({}),
      limits: z
        .strictObject({
          memory_bytes: z
            .int()
            .min(16_777_216)
            .optional()
            .describe('of a command with all it starts'),
          file_size_bytes: z.int().min(1024).optional().describe('of any file that it writes'),
          cpu_seconds: z.int().min(1).max(86_400).optional().describe('of each of its processes'),
          processes: z
            .int()
            .min(8)
            .max(100_000)
            .optional()
            .describe(
              'at the same time; the kernel counts them where it can, else the hub; absent: 1024, counted by the hub',
            ),
          temporary_bytes: z
            .int()
            .min(1_048_576)
            .default(1_073_741_824)
            .describe(
              'of what a confined command keeps in /tmp, in /var/tmp and in /dev/shm, each',
            ),
          open_files: z
            .int()
            .min(16)
            .max(1_000_000)
            .optional()
            .describe('of each of its processes'),
        })
        .prefault({})
        .describe('what one command may use; of what is not named here there is no limit'),
    })
    .prefault({}),
  console: z
    .strictObject({
      enabled: z.boolean().default(true).describe('whether `centralpost up` starts the console'),
      host: z.string().min(1).default('127.0.0.1').describe('where it listens'),
      port: z.int().min(1).max(65_535).optional().describe('absent: a free one, remembered'),
      origin: z.string().optional().describe('what browsers call it, behind a proxy'),
      tls_cert: z.string().optional().describe('a PEM file: pages are served over TLS'),
      tls_key: z.string().optional().describe('a PEM file'),
      session_hours: z.number().positive().max(8760).default(12),
    })
    .prefault({}),
  history: z
    .strictObject({
      backend: z
        .enum(['sqlite', 'postgres'])
        .default('sqlite')
        .describe('sqlite: files in the data directory; postgres: a database of a server'),
      url: z
        .string()
        .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
        .optional()
        .describe(
          'of the PostgreSQL database; a password belongs into CENTRALPOST_HISTORY_URL, which is taken instead',
        ),
      lease: seconds(
        15,
        1,
        600,
        'how long a hub may be cut off from PostgreSQL before it ends and another may take over',
      ),
      mask: z
        .boolean()
        .default(true)
        .describe('whether what looks like a credential is left out of what is stored'),
      mask_patterns: z
        .array(z.string().min(1).max(500))
        .max(100)
        .default([])
        .describe(
          'more that is secret, as regular expressions; of one with a group named secret, just that',
        ),
    })
    .prefault({}),
  metrics: z
    .strictObject({
      port: z
        .int()
        .min(0)
        .max(65_535)
        .optional()
        .describe(
          'where Prometheus finds /metrics; absent: none are served; 0: a free one, which the log names',
        ),
      host: z.string().min(1).default('127.0.0.1').describe('the address it listens on'),
    })
    .prefault({}),
  tracing: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          'sends spans by OTLP over HTTP, to where OTEL_EXPORTER_OTLP_ENDPOINT says or `endpoint`',
        ),
      endpoint: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('the base of an OTLP receiver, such as http://127.0.0.1:4318'),
      command_text: z
        .boolean()
        .default(false)
        .describe('whether spans carry the text of commands, which may hold secrets'),
    })
    .prefault({}),
  notify: z
    .strictObject({
      webhook: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('`up` posts every approval request there'),
      secret_env: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
        .default('CENTRALPOST_WEBHOOK_SECRET')
        .describe('the variable that holds the key which signs them'),
      desktop: z.boolean().default(false).describe('`up` shows them on this desktop'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
    })
    .prefault({}),
})

export type HubConfigFile = z.infer<typeof hubConfigSchema>

export interface HistorySettings {
  /** null: files in the data directory */
  readonly location: { readonly backend: 'postgres'; readonly url: string } | null
  /** how long a hub may go without renewing its lease, in milliseconds */
  readonly leaseMs: number
  readonly masking: { readonly isOn: boolean; readonly patterns: readonly RegExp[] }
}

/** The settings as the parts take them: paths absolute, nothing left out. */
export type HubConfig = Omit<HubConfigFile, 'history'> & {
  readonly history: HistorySettings
  readonly file: string | null
  readonly rulesPath: string
  readonly roots: readonly string[]
}

/**
 * Reads the settings.
 *
 * @param options.file the settings file; absent: `config/centralpost.yaml` below `cwd` if there is one, else the defaults
 * @param options.cwd where the hub is started, and what relative roots are relative to
 * @param options.shippedRules the rule file that comes with the hub, for when no settings file names one
 * @throws {CentralPostError} `invalid_config` naming file, path and the allowed range
 */
export async function loadHubConfig(options: {
  file?: string | undefined
  cwd: string
  shippedRules: string
}): Promise<HubConfig> {
  const usual = resolve(options.cwd, 'config/centralpost.yaml')
  const file = options.file === undefined ? usual : resolve(options.cwd, options.file)
  const hasFile = options.file !== undefined || existsSync(usual)
  const settings = checkConfig(hubConfigSchema, hasFile ? await readYaml(file) : {}, file)
  const ownRules = resolve(hasFile ? dirname(file) : options.cwd, settings.trust.rules)
  const rules = hasFile || existsSync(ownRules) ? ownRules : options.shippedRules
  return {
    ...settings,
    history: historySettings(settings, file),
    file: hasFile ? file : null,
    rulesPath: existsSync(rules) ? rules : namedRules(settings, ownRules, options.shippedRules),
    roots: (settings.hub.roots ?? [options.cwd]).map((root) => resolve(options.cwd, root)),
  }
}

/** How many commands of one agent may run at a time: where there is more than one place, one is left to others. */
export function placesPerAgent({
  parallel,
  parallel_per_agent: asked = parallel,
}: HubConfigFile['execution']): number {
  return Math.max(1, Math.min(asked, parallel - 1))
}

/** A rule file that was named must exist; only the default name falls back to the rules that come with the hub. */
function namedRules(settings: HubConfigFile, own: string, shipped: string): string {
  return settings.trust.rules === 'trust_rules.yaml' ? shipped : own
}

/** Makes of what is written about the history what its part takes. @throws {CentralPostError} `invalid_config` */
export function historySettings({ history }: HubConfigFile, file: string): HistorySettings {
  const url = process.env['CENTRALPOST_HISTORY_URL'] ?? history.url
  const fault = (path: string, what: string): CentralPostError =>
    new CentralPostError('invalid_config', `${file}: history.${path}: ${what}`)
  if (history.backend === 'postgres' && url === undefined) {
    throw fault('url', 'name the database here or in CENTRALPOST_HISTORY_URL')
  }
  const patterns = history.mask_patterns.map((text, index) => {
    try {
      return new RegExp(text, 'g')
    } catch (error) {
      throw fault(`mask_patterns.${index}`, messageOf(error))
    }
  })
  return {
    location:
      history.backend === 'postgres' && url !== undefined ? { backend: 'postgres', url } : null,
    leaseMs: history.lease * 1000,
    masking: { isOn: history.mask, patterns },
  }
}

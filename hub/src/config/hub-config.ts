import { secondsSetting } from '@centralpost/shared'
import { z } from 'zod'
import { approvalSettingsSchema } from '../approval/approval-settings.ts'
import { brokerSettingsSchema } from '../broker/broker-settings.ts'
import { executionSettingsSchema } from '../execution/execution-settings.ts'
import { type HistorySettings, historySettingsSchema } from '../history/history-settings.ts'
import { metricsSettingsSchema, tracingSettingsSchema } from '../telemetry/telemetry-settings.ts'

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
      stop_grace: secondsSetting(
        10,
        0,
        3600,
        'how long running commands may finish when the hub stops',
      ),
    })
    .prefault({}),
  broker: brokerSettingsSchema,
  trust: z
    .strictObject({
      rules: z
        .string()
        .default('trust_rules.yaml')
        .describe('the rule file, relative to this file'),
    })
    .prefault({}),
  approvals: approvalSettingsSchema,
  execution: executionSettingsSchema,
  console: z
    .strictObject({
      enabled: z.boolean().default(true).describe('whether `centralpost up` starts the console'),
      host: z.string().min(1).default('127.0.0.1').describe('address to listen on'),
      port: z.int().min(1).max(65_535).optional().describe('absent: a free one, remembered'),
      origin: z.string().optional().describe('the origin browsers use, behind a proxy'),
      tls_cert: z.string().optional().describe('a PEM file: pages are served over TLS'),
      tls_key: z.string().optional().describe('a PEM file'),
      session_hours: z.number().positive().max(8760).default(12),
    })
    .prefault({}),
  history: historySettingsSchema,
  metrics: metricsSettingsSchema,
  tracing: tracingSettingsSchema,
  notify: z
    .strictObject({
      webhook: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('`up` posts every approval request to this URL'),
      secret_env: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
        .default('CENTRALPOST_WEBHOOK_SECRET')
        .describe('the environment variable with the signing key'),
      desktop: z.boolean().default(false).describe('`up` shows approval requests on this desktop'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
    })
    .prefault({}),
})

export type HubConfigFile = z.infer<typeof hubConfigSchema>
/** The same as it may be written: everything has a default. */
export type HubSettings = z.input<typeof hubConfigSchema>

/** The settings in the form that the parts take: absolute paths, all defaults applied. */
export type HubConfig = Omit<HubConfigFile, 'history'> & {
  readonly history: HistorySettings
  readonly file: string | null
  readonly rulesPath: string
  readonly roots: readonly string[]
}

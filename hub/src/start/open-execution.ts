import { createHash } from 'node:crypto'
import { externalCredentials, type Logger } from '@centralpost/shared'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionSettings } from '../execution/execution-settings.ts'
import { markerOf } from './identity.ts'
import {
  checkRequestEnv,
  chooseProfile,
  closeControlGroups,
  type ExecutorOptions,
  executorOptionsSchema,
  findControlGroups,
  type JudgedCommand,
  ofEachProfile,
  type ProfileChoice,
  probeSandbox,
  type ResourceLimits,
  type SandboxProbe,
  SystemExecutor,
  unkept,
} from '../execution/index.ts'

/** Opens the executor with the sandbox that this machine gives. `choose` says how a command will be confined. */
export async function openExecution(
  { config, dataDir, hubId, log }: ExecutionOptions,
  opened: AsyncDisposableStack,
): Promise<{ readonly executor: SystemExecutor; readonly choose: Confinement['choose'] }> {
  const confined = await openConfinement(config, dataDir, log)
  opened.defer(confined.close)
  const executor = new SystemExecutor({
    ...executorOptions(config, dataDir, hubId, log),
    ...confined.options,
  })
  opened.defer(() => executor.stop())
  return { executor, choose: confined.choose }
}

interface ExecutionOptions {
  readonly config: { readonly roots: readonly string[]; readonly execution: ExecutionSettings }
  readonly dataDir: string
  readonly hubId: string
  readonly log: Logger
}

/** The hub's confinement: the executor's needs, and the choice for each command. */
interface Confinement {
  readonly options: Pick<ExecutorOptions, 'sandbox' | 'limits' | 'groups'>
  readonly choose: (judged: JudgedCommand) => ProfileChoice
  readonly close: () => Promise<void>
}

/** Detects, once, the sandbox and limits of this machine, and logs deviations from the settings. */
async function openConfinement(
  config: ExecutionOptions['config'],
  dataDir: string,
  log: Logger,
): Promise<Confinement> {
  const { sandbox: settings, limits: wanted } = config.execution
  const probe =
    settings.mode === 'off'
      ? null
      : await probeSandbox({
          roots: config.roots,
          hidden: ownPlaces(dataDir),
          bwrap: settings.bwrap,
        })
  tell(settings, probe, log)
  const limits: ResourceLimits = {
    memoryBytes: wanted.memory_bytes,
    fileSizeBytes: wanted.file_size_bytes,
    cpuSeconds: wanted.cpu_seconds,
    processes: wanted.processes,
    watchedProcesses: wanted.processes ?? defaultProcesses,
    temporaryBytes: wanted.temporary_bytes,
    openFiles: wanted.open_files,
  }
  const name = `centralpost-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`
  const groups = findControlGroups(name, limits)
  for (const text of unkept(limits, groups.holds, groups.missing)) log.warn(text)
  const standing = probe ?? { sandbox: null, missing: ofEachProfile('') }
  return {
    options: { sandbox: standing.sandbox, limits, groups },
    choose: (judged) => chooseProfile(judged, settings, standing),
    close: () => closeControlGroups(groups),
  }
}

/** Default limit per command: a large build has a few hundred processes. */
const defaultProcesses = 1024

/**
 * Paths that no command may touch: the data directory, and the files with the hub's credentials for
 * an external broker.
 */
export function ownPlaces(dataDir: string): string[] {
  const external = externalCredentials(process.env)
  return [dataDir, external?.creds, external?.key].filter((place) => place !== undefined)
}

function tell(
  settings: ExecutionSettings['sandbox'],
  probe: SandboxProbe | null,
  log: Logger,
): void {
  if (probe === null) {
    log.warn("the sandbox is switched off: commands run as the hub's user")
    return
  }
  const tookMs = Math.round(probe.tookMs)
  const lacking = [settings.safe, settings.review].filter(
    (profile) => profile !== 'none' && !probe.sandbox?.available.includes(profile),
  )
  for (const profile of new Set(lacking)) {
    const why = profile === 'none' ? '' : probe.missing[profile]
    if (settings.mode === 'required') {
      log.error(`no sandbox: commands meant for ${profile} are refused`, { why, tookMs })
    } else if (profile === settings.safe) {
      log.warn('no sandbox: SAFE commands that read files need approval', { why, tookMs })
    } else log.warn(`no sandbox: commands meant for ${profile} run unconfined`, { why, tookMs })
  }
  if (lacking.length === 0) {
    const { safe, review, mode } = settings
    if (probe.sandbox?.filtersCalls === false) {
      log.warn('no system call filter here: the sandbox leaves keyrings and VM sockets open')
    }
    for (const [profile, why] of Object.entries(probe.missing)) {
      if (profile.startsWith('machine-') && why !== '') {
        log.warn(`no ${profile}: commands that report on the machine see only the sandbox`, { why })
      }
    }
    if (probe.sandbox?.machine?.noExec === null) {
      log.warn(
        'commands that report on the machine may execute files of a workspace, still confined',
      )
    }
    log.info('sandbox works', { version: probe.version, mode, safe, review, tookMs })
  }
}

function executorOptions(
  config: ExecutionOptions['config'],
  dataDir: string,
  hubId: string,
  log: Logger,
) {
  const { execution } = config
  const defaults = executorOptionsSchema.parse({})
  const spoolDir = join(dataDir, 'spool')
  mkdirSync(spoolDir, { recursive: true, mode: 0o700 })
  return {
    ...defaults,
    defaultTimeoutMs: execution.default_timeout * 1000,
    maxTimeoutMs: execution.max_timeout * 1000,
    unattendedTimeoutMs: execution.safe_timeout * 1000,
    killGraceMs: execution.kill_grace * 1000,
    maxOutputBytes: execution.max_output_bytes,
    inlineBytes: execution.inline_bytes,
    passEnv: [...defaults.passEnv, ...execution.pass_env],
    spoolDir,
    outputLimits: {
      maxBytes: execution.kept_output.max_bytes,
      maxBytesPerAgent: execution.kept_output.max_bytes_per_agent,
      maxAgeMs: execution.kept_output.days * 86_400_000,
    },
    cacheDir: join(dataDir, 'cache', 'node'),
    marker: markerOf(dataDir, hubId),
    log: log.child({ part: 'executor' }),
  }
}

/** A variable of a request that may not be set; null: all are allowed. */
export function faultInEnv(env: Readonly<Record<string, string>>): string | null {
  const refused = checkRequestEnv(env)
  return refused === null ? null : `${refused.name} may not be set: it ${refused.reason}`
}

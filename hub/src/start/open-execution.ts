import { createHash } from 'node:crypto'
import { externalCredentials, type Logger } from '@centralpost/shared'
import type { HubConfig } from '../config/hub-config.ts'
import {
  chooseProfile,
  closeControlGroups,
  type ExecutorOptions,
  findControlGroups,
  type JudgedCommand,
  ofEachProfile,
  type ProfileChoice,
  probeSandbox,
  type ResourceLimits,
  type SandboxProbe,
  unkept,
} from '../execution/index.ts'

/** How this hub confines commands: what the executor needs, and the choice for each command. */
export interface Confinement {
  readonly options: Pick<ExecutorOptions, 'sandbox' | 'limits' | 'groups'>
  readonly choose: (judged: JudgedCommand) => ProfileChoice
  readonly close: () => Promise<void>
}

/** Finds out, once, what sandbox and limits this machine gives, and says in the log what is not as it is configured. */
export async function openConfinement(
  config: Pick<HubConfig, 'roots' | 'execution'>,
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

/** Of one command, where the settings say nothing: a large build has a few hundred. */
const defaultProcesses = 1024

/** What no command may touch: the data directory, and the files with the hub's own credentials for a broker elsewhere. */
export function ownPlaces(dataDir: string): string[] {
  const external = externalCredentials(process.env)
  return [dataDir, external?.creds, external?.key].filter((place) => place !== undefined)
}

function tell(
  settings: HubConfig['execution']['sandbox'],
  probe: SandboxProbe | null,
  log: Logger,
): void {
  if (probe === null) {
    log.warn('the sandbox is switched off: commands run as the user that the hub runs as')
    return
  }
  const tookMs = Math.round(probe.tookMs)
  const lacking = [settings.safe, settings.review].filter(
    (profile) => profile !== 'none' && !probe.sandbox?.available.includes(profile),
  )
  for (const profile of new Set(lacking)) {
    const why = profile === 'none' ? '' : probe.missing[profile]
    if (settings.mode === 'required') {
      log.error(`no sandbox: what should run in ${profile} is refused`, { why, tookMs })
    } else if (profile === settings.safe) {
      log.warn('no sandbox: a person is asked before anything SAFE reads a file', { why, tookMs })
    } else log.warn(`no sandbox: what should run in ${profile} runs unconfined`, { why, tookMs })
  }
  if (lacking.length === 0) {
    const { safe, review, mode } = settings
    if (probe.sandbox?.filtersCalls === false) {
      log.warn(
        'the sandbox filters no system calls here: keyrings and sockets of virtual machines are open',
      )
    }
    for (const [profile, why] of Object.entries(probe.missing)) {
      if (profile.startsWith('machine-') && why !== '') {
        log.warn(`no ${profile}: what tells of the machine sees only the sandbox's`, { why })
      }
    }
    if (probe.sandbox?.machine?.noExec === null) {
      log.warn('what tells of the machine may execute files of a workspace, still confined')
    }
    log.info('sandbox works', { version: probe.version, mode, safe, review, tookMs })
  }
}

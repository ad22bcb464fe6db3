import type { Logger } from '@centralpost/shared'
import type { HubConfig } from '../config/hub-config.ts'
import { SpokeProcess } from './spoke-process.ts'

export interface ServingConsole {
  readonly url: string
  /** a one-time sign-in link; null without a terminal */
  readonly link: string | null
}

/** The operators' console as a child of `up`. */
export interface ConsoleProcess {
  /** the address at its first start; null when it does not start */
  readonly serving: Promise<ServingConsole | null>
  stop(): Promise<void>
}

/** @throws {CentralPostError} `not_found` when the operators' program is not installed */
export function startConsole(
  settings: HubConfig['console'],
  dataDir: string,
  log: Logger,
): ConsoleProcess {
  const { promise, resolve } = Promise.withResolvers<ServingConsole | null>()
  const spoke = new SpokeProcess(consoleArguments(settings, dataDir), {
    log,
    told: (message) => resolve(message as ServingConsole),
  })
  void spoke.ended.then(() => resolve(null))
  return { serving: promise, stop: () => spoke.stop() }
}

/** The arguments of `centralpost console` from the settings. */
function consoleArguments(settings: HubConfig['console'], dataDir: string): string[] {
  const { host, port, origin, tls_cert: cert, tls_key: key, session_hours: hours } = settings
  return [
    'console',
    '--data',
    dataDir,
    '--host',
    host,
    '--session-hours',
    String(hours),
    ...(port === undefined ? [] : ['--port', String(port)]),
    ...(origin === undefined ? [] : ['--origin', origin]),
    ...(cert === undefined ? [] : ['--tls-cert', cert]),
    ...(key === undefined ? [] : ['--tls-key', key]),
    ...(process.stdout.isTTY ? ['--told-link'] : []),
  ]
}

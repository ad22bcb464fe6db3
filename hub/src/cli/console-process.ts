import type { Logger } from '@centralpost/shared'
import type { HubConfig } from '../config/hub-config.ts'
import { SpokeProcess } from './kept-alive.ts'

export interface ServingConsole {
  readonly url: string
  /** signs one browser in, once; null where nobody sits at a terminal */
  readonly link: string | null
}

/** The operators' console as a child of `up`. */
export interface ConsoleProcess {
  /** where it serves, when it does for the first time; null when it does not start */
  readonly serving: Promise<ServingConsole | null>
  stop(): Promise<void>
}

/** @throws {CentralPostError} `not_found` where the operators' program is not installed */
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

/** The arguments that the settings make for `centralpost console`. */
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

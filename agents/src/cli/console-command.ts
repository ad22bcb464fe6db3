import { join } from 'node:path'
import { type ClosableLogger, openLog } from '@centralpost/shared/file-logger'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { dataDirOf } from '../spoke/spoke.ts'
import { type OperatorOptions, withOperatorOptions } from './connection.ts'
import { stopped, untilStopped } from '../terminal/stop-signal.ts'
import { print, printJson } from '../terminal/terminal.ts'

interface Options extends OperatorOptions {
  readonly link?: boolean
  readonly toldLink?: boolean
  readonly host?: string
  readonly port?: number
  readonly origin?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly sessionHours: number
}

const details = `
Connects to the hub's broker under an operator's name and serves the console page on loopback. On a terminal it prints
a sign-in link that works once, within ten minutes. Elsewhere, as in a journal, it prints none: use --link for a link to the
running console.
An address other than loopback needs a certificate (--tls-cert, --tls-key) or a proxy that has one
(--origin https://…).
Commands typed on the page are requested as the agent operator-NAME, which needs credentials of its own.`

export function addConsoleCommand(program: Command): void {
  const command = program
    .command('console')
    .description('serve the operators’ page: approvals, live output, history')
    .option('--link', 'print a new sign-in link for the running console, and exit')
    .addOption(new Option('--told-link', 'send a link to the parent process').hideHelp())
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option(
      '--port <port>',
      'port to listen on (default: the last one used, else a free one)',
      port,
    )
    .option('--origin <origin>', 'the origin browsers use, behind a proxy: https://console.example')
    .option('--tls-cert <file>', 'serve over TLS with this certificate (PEM)')
    .option('--tls-key <file>', 'and its private key (PEM)')
    .option('--session-hours <hours>', 'how long a session lasts', hours, 12)
    .addHelpText('after', details)
  withOperatorOptions(command).action(async (options: Options) => {
    const { as: name, data: dataDir } = options
    const who = { name, ...(dataDir !== undefined && { dataDir }) }
    if (options.link) await printLink(options, who)
    else await serve(options, who)
  })
}

// loaded on demand: only this command needs the server and its libraries
async function printLink(options: Options, who: { name: string; dataDir?: string }): Promise<void> {
  const { linkForRunning } = await import('../console/server/console.ts')
  const link = linkForRunning(who)
  if (options.json) printJson({ link })
  else print(link)
}

async function serve(options: Options, who: { name: string; dataDir?: string }): Promise<void> {
  const { host, origin, tlsCert, tlsKey } = options
  const { Console } = await import('../console/server/console.ts')
  const log = logOf(options, dataDirOf(who))
  try {
    await untilStopped(async (signal) => {
      await using console = await Console.start({
        ...who,
        log,
        sessionMs: options.sessionHours * 3_600_000,
        place: {
          ...(host !== undefined && { host }),
          ...(options.port !== undefined && { port: options.port }),
          ...(origin !== undefined && { origin }),
          ...(tlsCert !== undefined && { tlsCert }),
          ...(tlsKey !== undefined && { tlsKey }),
        },
      })
      const { url } = console
      // output that is not a terminal may be a journal, which others can read
      const link = wantsLink(options) ? console.newLoginLink() : null
      process.send?.({ url, link })
      if (options.json) printJson({ url, link })
      else if (process.send === undefined) {
        print(`console: ${url} (operator ${console.operator})`)
        print(
          link === null
            ? 'sign in: centralpost console --link prints a link; keep it out of logs'
            : `sign in: ${link}   works once, within ten minutes; for another: centralpost console ` +
                '--link',
        )
      }
      await stopped(signal)
    })
  } finally {
    await log.close()
    // an open IPC channel would keep the process alive
    if (process.connected) process.disconnect()
  }
}

/** Whether to print a sign-in link: only for a terminal, here or where `up` was started. */
const wantsLink = ({ toldLink }: Options): boolean => toldLink === true || process.stdout.isTTY

function logOf(options: Options, dataDir: string): ClosableLogger {
  return openLog({
    component: 'console',
    level: options.verbose ? 'debug' : 'info',
    file: join(dataDir, 'logs', 'console.log'),
    terminal: options.verbose === true,
  })
}

function port(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value
  throw new InvalidArgumentError('give a port from 1 to 65535.')
}

function hours(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && value <= 8760) return value
  throw new InvalidArgumentError('give hours, more than 0 and at most 8760.')
}

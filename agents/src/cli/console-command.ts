import { join } from 'node:path'
import { type ClosableLogger, openLog } from '@centralpost/shared'
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
Connects to the hub's broker under an operator's name and serves a page about it, on loopback. On a terminal a link is printed
that signs one browser in, once, within ten minutes. Elsewhere, as in a journal, none is: --link prints one for the console that
runs already.
On another address than loopback it serves only with a certificate (--tls-cert, --tls-key), or behind a proxy
that has one (--origin https://…).
Commands typed on the page are asked for as the agent operator-NAME, which needs credentials of its own.`

export function addConsoleCommand(program: Command): void {
  const command = program
    .command('console')
    .description('serve the operators’ page: approvals, live output, history')
    .option('--link', 'print a new link for signing in at the console that runs, and end')
    .addOption(new Option('--told-link', 'tell the parent process a link').hideHelp())
    .option('--host <address>', 'where to listen (default: 127.0.0.1)')
    .option('--port <port>', 'on which port (default: the one used last, else a free one)', port)
    .option('--origin <origin>', 'what browsers call it, behind a proxy: https://console.example')
    .option('--tls-cert <file>', 'serve over TLS with this certificate (PEM)')
    .option('--tls-key <file>', 'and this key (PEM)')
    .option('--session-hours <hours>', 'how long somebody stays signed in', hours, 12)
    .addHelpText('after', details)
  withOperatorOptions(command).action(async (options: Options) => {
    const { as: name, data: dataDir } = options
    const who = { name, ...(dataDir !== undefined && { dataDir }) }
    if (options.link) await printLink(options, who)
    else await serve(options, who)
  })
}

// the server and its library are loaded for this command only
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
      // what is no terminal is often a journal, which others may read
      const link = wantsLink(options) ? console.newLoginLink() : null
      process.send?.({ url, link })
      if (options.json) printJson({ url, link })
      else if (process.send === undefined) {
        print(`console: ${url} (operator ${console.operator})`)
        print(
          link === null
            ? 'sign in: centralpost console --link prints a link, which no log should hold'
            : `sign in: ${link}   once, within ten minutes; another one: centralpost console --link`,
        )
      }
      await stopped(signal)
    })
  } finally {
    await log.close()
    // the channel to a parent would keep the process
    if (process.connected) process.disconnect()
  }
}

/** Whether a link that signs in may be told: to a person at a terminal, here or where `up` was started. */
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

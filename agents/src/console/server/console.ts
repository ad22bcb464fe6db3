import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import {
  CentralPostError,
  isCentralPostError,
  messageOf,
  silentLogger,
  isAlive,
} from '@centralpost/shared'
import type { Hono } from 'hono'
import { Agent } from '../../agent/agent.ts'
import { Operator } from '../../operator/operator.ts'
import type { SpokeOptions } from '../../spoke/spoke.ts'
import { Board } from './board.ts'
import { consoleApp } from './console-app.ts'
import { hostsOf, type ListenAddress, tlsOf, urlOf } from './console-options.ts'
import { consoleStateDir, readPlace, writePlace } from './console-state.ts'
import type { ConsoleEnv } from './guard.ts'
import { LoginLinks } from './login-links.ts'
import { builtPage, PageFiles } from './page-files.ts'
import { Sessions } from './sessions.ts'

export interface ConsoleOptions extends SpokeOptions {
  readonly place?: ListenAddress
  /** absolute lifetime of a session, in milliseconds @default 12 hours */
  readonly sessionMs?: number
  /** the folder of the built page @default the output of `npm run build` */
  readonly page?: string
  /** credentials of the agent `operator-<name>`; looked up like the operator's when absent */
  readonly agentCredentials?: SpokeOptions['credentials']
}

const defaultSessionMs = 12 * 60 * 60 * 1000
const linkMs = 10 * 60 * 1000

/**
 * The operators' console: connects to the hub over NATS under an operator's name, and serves one
 * page.
 */
export class Console {
  /** the page's address, for people */
  readonly url: string
  readonly operator: string
  /** its routes, for inspection */
  readonly app: Hono<ConsoleEnv>
  readonly #links: LoginLinks
  readonly #opened: AsyncDisposableStack

  private constructor(
    url: string,
    operator: string,
    app: Hono<ConsoleEnv>,
    links: LoginLinks,
    opened: AsyncDisposableStack,
  ) {
    this.url = url
    this.operator = operator
    this.app = app
    this.#links = links
    this.#opened = opened
  }

  /**
   * Connects as an operator and serves the page.
   *
   * @throws {CentralPostError} `not_found` without the operator's credentials or a built page,
   *   `unavailable` when no broker answers, `invalid_config` for an invalid address, `conflict` for a
   *   port in use
   */
  static async start(options: ConsoleOptions): Promise<Console> {
    const { place = {}, log = silentLogger } = options
    const tls = tlsOf(place)
    const files = await PageFiles.read(options.page ?? builtPage)
    await using opened = new AsyncDisposableStack()
    const operator = opened.use(await Operator.connect(options))
    const agent = await ownAgent(options)
    if (agent) opened.use(agent)
    const board = new Board(operator, log.child({ part: 'board' }))
    await board.start()
    opened.defer(() => board.stop())

    const stateDir = consoleStateDir(options)
    const server = tls === null ? createServer() : createTlsServer(tls)
    const port = await listen(server, place, readPlace(stateDir)?.port)
    opened.defer(() => close(server))
    const isSecure = tls !== null || place.origin?.startsWith('https://') === true
    const sessions = new Sessions(stateDir, options.sessionMs ?? defaultSessionMs)
    const links = new LoginLinks(stateDir)
    const site = {
      hosts: hostsOf(place, port),
      isSecure,
      // browsers share cookies between all ports of a host
      cookieName: `${isSecure ? '__Host-' : ''}centralpost-${port}`,
    }
    const parts = { operator, agent, board, sessions, links, files, site, log }
    const { app, closeStreams } = consoleApp(parts)
    opened.defer(closeStreams)
    const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false })
    server.on('request', (request, response) => void answer(request, response))
    const url = urlOf(place, port, isSecure)
    writePlace(stateDir, { url, port, pid: process.pid })
    opened.defer(() => writePlace(stateDir, { url, port, pid: null }))
    log.info('console serves', { url, operator: options.name, broker: operator.server })
    return new Console(url, options.name, app, links, opened.move())
  }

  /** Makes a sign-in link that works once, within ten minutes. */
  newLoginLink(): string {
    return loginLink(this.url, this.#links.mint(linkMs))
  }

  stop(): Promise<void> {
    return this.#opened.disposeAsync()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/**
 * Makes a link for a console in another process on the same data directory.
 *
 * @throws {CentralPostError} `unavailable` when none runs
 */
export function linkForRunning(options: Pick<SpokeOptions, 'dataDir' | 'env' | 'name'>): string {
  const stateDir = consoleStateDir(options)
  const place = readPlace(stateDir)
  if (place === undefined || place.pid === null || !isAlive(place.pid)) {
    throw new CentralPostError(
      'unavailable',
      `no console of the operator "${options.name}" runs on this data directory; ` +
        'start one with: centralpost console',
    )
  }
  return loginLink(place.url, new LoginLinks(stateDir).mint(linkMs))
}

/** The token goes behind the `#`: browsers never send that part, and servers never log it. */
const loginLink = (url: string, token: string): string => `${url}/login#${token}`

async function ownAgent(options: ConsoleOptions): Promise<Agent | null> {
  const { agentCredentials, name, log = silentLogger, dataDir, env } = options
  try {
    return await Agent.connect({
      name: `operator-${name}`,
      log,
      ...(agentCredentials !== undefined && { credentials: agentCredentials }),
      ...(dataDir !== undefined && { dataDir }),
      ...(env !== undefined && { env }),
    })
  } catch (error) {
    const isWithout =
      isCentralPostError(error) &&
      ['not_found', 'forbidden', 'invalid_request'].includes(error.code)
    if (!isWithout) throw error
    log.warn('commands cannot be typed in this console', { error: messageOf(error) })
    return null
  }
}

/** Listens on the requested port, else on the last one used, else on a free one. */
async function listen(
  server: Server,
  place: ListenAddress,
  last: number | undefined,
): Promise<number> {
  const { host = '127.0.0.1', port } = place
  const ports = port !== undefined ? [port] : last !== undefined ? [last, 0] : [0]
  let refused: unknown
  for (const candidate of ports) {
    try {
      server.listen(candidate, host)
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    } catch (error) {
      refused = error
    }
  }
  throw new CentralPostError(
    'conflict',
    `the console cannot listen on ${host}:${ports[0]}: ${messageOf(refused)}; choose another port`,
    { cause: refused },
  )
}

async function close(server: ReturnType<typeof createServer>): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

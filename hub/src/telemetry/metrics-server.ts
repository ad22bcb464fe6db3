import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { CentralPostError, type Logger, messageOf } from '@centralpost/shared'
import type { HubMetrics } from './hub-metrics.ts'

export interface MetricsServerOptions {
  readonly host: string
  readonly port: number
  readonly log: Logger
}

/**
 * Names that browsers on this machine may use for a loopback address; any other name was rebound
 * (DNS rebinding).
 */
const loopbackNames = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i
const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/** Serves the metrics for Prometheus over HTTP, and a health check. */
export class MetricsServer {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** @throws {CentralPostError} `unavailable` when the address is in use */
  static async start(metrics: HubMetrics, options: MetricsServerOptions): Promise<MetricsServer> {
    const { host, port, log } = options
    const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
      answer(metrics, host, request, response).catch((error: unknown) => {
        log.error('collecting the metrics failed', { error })
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen({ host, port }, resolve)
    try {
      await promise
    } catch (error) {
      throw new CentralPostError(
        'unavailable',
        `metrics: cannot listen on ${host}:${port} (${messageOf(error)}); choose another metrics.port`,
        { cause: error },
      )
    }
    const it = new MetricsServer(server)
    log.info('serving metrics', { url: `http://${host}:${it.port}/metrics` })
    return it
  }

  /** The port it listens on. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    this.#server.closeAllConnections()
    await promise
  }
}

async function answer(
  metrics: HubMetrics,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (loopbackHosts.has(host) && !loopbackNames.test(request.headers.host ?? '')) {
    response.writeHead(403).end('this is served to this machine only\n')
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
  } else if (request.url?.split('?')[0] !== '/metrics') {
    response.writeHead(404).end('the metrics are at /metrics\n')
  } else {
    const { type, body } = await metrics.text()
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? '' : body)
  }
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export interface Posted {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A real HTTP server on loopback that keeps what it was sent; `answer` says how it behaves. */
export class HttpServer {
  readonly posted: Posted[] = []
  readonly #server: Server

  private constructor(answer: (response: ServerResponse, posted: Posted, nth: number) => void) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { method = '', url = '', headers } = request
        const posted = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') }
        this.posted.push(posted)
        answer(response, posted, this.posted.length)
      })
    })
  }

  static async start(
    answer: (response: ServerResponse, posted: Posted, nth: number) => void = (response) =>
      void response.writeHead(204).end(),
  ): Promise<HttpServer> {
    const it = new HttpServer(answer)
    const { promise, resolve } = Promise.withResolvers<void>()
    it.#server.listen(0, '127.0.0.1', resolve)
    await promise
    return it
  }

  get url(): string {
    const address = this.#server.address()
    if (typeof address !== 'object' || address === null) throw new Error('not listening')
    return `http://127.0.0.1:${address.port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    this.#server.closeAllConnections()
    await promise
  }
}

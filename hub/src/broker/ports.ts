import { createServer, type AddressInfo } from 'node:net'
import { CentralPostError, messageOf } from '@centralpost/shared'
import { hasCode } from '@centralpost/shared/private-files'

/** The only address the embedded broker listens on. */
export const loopback = '127.0.0.1'

/** A currently free port of the loopback address. */
export function freePort(): Promise<number> {
  return listenOnce(0)
}

/**
 * Whether a port of the loopback address is currently free.
 *
 * @throws {CentralPostError} `invalid_config` for an invalid port number, or a port that this user
 *   may not use
 */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port)
    return true
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) return false
    throw new CentralPostError(
      'invalid_config',
      `cannot listen on port ${port} of ${loopback} (${messageOf(error)}): choose one from 1024 to 65535`,
      { cause: error },
    )
  }
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host: loopback, exclusive: true }, () => {
      const { port: bound } = server.address() as AddressInfo
      server.close(() => {
        resolve(bound)
      })
    })
  })
}

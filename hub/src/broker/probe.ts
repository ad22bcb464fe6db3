import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError } from '@centralpost/shared'
import type { Identity } from './identity.ts'

/** How long one look may take, in milliseconds. */
const lookMs = 2000
const pauseMs = 20

/** Whether the broker lets this identity in. False also when nobody answers there. */
export function letsIn(port: number, host: string, identity: Identity): Promise<boolean> {
  return talk(port, host, (line, say) => {
    if (line.startsWith('INFO ')) say(`CONNECT ${login(identity)}\r\nPING\r\n`)
    if (line.startsWith('-ERR')) return false
    return line.startsWith('PONG') ? true : undefined
  })
}

/** Whether JetStream answers this identity, which must be one that may ask it. */
export function hasJetStream(port: number, host: string, identity: Identity): Promise<boolean> {
  const inbox = `${identity.inbox_prefix}.probe`
  return talk(port, host, (line, say) => {
    if (line.startsWith('INFO ')) {
      say(`CONNECT ${login(identity)}\r\nSUB ${inbox} 1\r\nPUB $JS.API.INFO ${inbox} 0\r\n\r\n`)
    }
    if (line.startsWith('-ERR')) return false
    return line.startsWith('{') ? !line.includes('"error":') : undefined
  })
}

/**
 * Asks again and again until the answer is yes.
 *
 * @param options.withinMs when to give up, in milliseconds
 * @param options.what what was waited for, for the message
 * @param options.signal ends the wait with its reason
 * @throws {CentralPostError} `unavailable` when it has not become so in time
 */
export async function until(
  isSo: () => Promise<boolean>,
  options: { readonly withinMs: number; readonly what: string; readonly signal?: AbortSignal },
): Promise<void> {
  const deadline = Date.now() + options.withinMs
  for (;;) {
    options.signal?.throwIfAborted()
    if (await isSo()) return
    if (Date.now() > deadline) {
      throw new CentralPostError('unavailable', `${options.what} not within ${options.withinMs} ms`)
    }
    await delay(pauseMs)
  }
}

function login({ user, pass }: Identity): string {
  return JSON.stringify({
    user,
    pass,
    verbose: false,
    pedantic: false,
    lang: 'probe',
    version: '1',
  })
}

/** Reads the server's lines until `answer` knows; silence, a refusal or a closed connection is a no. */
function talk(
  port: number,
  host: string,
  answer: (line: string, say: (text: string) => void) => boolean | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ port, host })
    let rest = ''
    const end = (known: boolean): void => {
      socket.destroy()
      resolve(known)
    }
    socket.setTimeout(lookMs, () => {
      end(false)
    })
    socket.setEncoding('utf8')
    socket.on('error', () => {
      end(false)
    })
    socket.on('close', () => {
      resolve(false)
    })
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const known = answer(line, (text) => socket.write(text))
        if (known !== undefined) {
          end(known)
          return
        }
      }
    })
  })
}

import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError } from '@centralpost/shared'
import type { Identity } from './identity.ts'
import { loopback } from './ports.ts'

/** Time limit of one probe, in milliseconds. */
const lookMs = 2000
const pauseMs = 20

/** Whether JetStream answers this identity on `subject` within `withinMs` milliseconds. */
export async function hasJetStream(
  port: number,
  identity: Identity,
  subject = '$JS.API.INFO',
  withinMs = lookMs,
): Promise<boolean> {
  const answer = await ask(port, identity, subject, withinMs)
  return answer !== undefined && !answer.includes('"error":')
}

/**
 * When the server last loaded its configuration, in its own notation; undefined without an answer.
 */
export async function configReadAt(port: number, system: Identity): Promise<string | undefined> {
  const answer = await ask(port, system, '$SYS.REQ.SERVER.PING.VARZ', lookMs)
  return /"config_load_time":"([^"]+)"/.exec(answer ?? '')?.[1]
}

/**
 * Polls until the answer is yes.
 *
 * @param options.withinMs time limit, in milliseconds
 * @param options.what the missed condition, for the message
 * @param options.signal ends the wait with its reason
 * @throws {CentralPostError} `unavailable` after the time limit
 */
export async function until(
  isSo: () => Promise<boolean>,
  options: { readonly withinMs: number; readonly what: string; readonly signal?: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + options.withinMs
  for (;;) {
    options.signal?.throwIfAborted()
    if (await isSo()) return
    if (performance.now() > deadline) {
      throw new CentralPostError('unavailable', `${options.what} within ${options.withinMs} ms`)
    }
    await delay(pauseMs)
  }
}

/**
 * Sends one request to the server on this loopback port; undefined when it refuses, closes or stays
 * silent.
 */
function ask(
  port: number,
  identity: Identity,
  subject: string,
  withinMs: number,
): Promise<string | undefined> {
  const { user, pass } = identity
  const login = { user, pass, verbose: false, pedantic: false, lang: 'probe', version: '1' }
  const inbox = `${identity.inbox_prefix}.probe`
  return new Promise((resolve) => {
    const socket = connect({ port, host: loopback })
    let rest = ''
    const end = (answer?: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(withinMs, end)
    socket.setEncoding('utf8')
    socket.on('error', () => {
      end()
    })
    socket.on('close', () => {
      end()
    })
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line.startsWith('INFO ')) {
          socket.write(`CONNECT ${JSON.stringify(login)}\r\nSUB ${inbox} 1\r\n`)
          socket.write(`PUB ${subject} ${inbox} 0\r\n\r\n`)
        } else if (line.startsWith('-ERR')) end()
        else if (line.startsWith('{')) end(line)
      }
    })
  })
}

import { type Msg, nanos } from 'nats'
import { CentralPostError } from '../problem.ts'
import type { Bus } from './bus.ts'

/** Messages in flight per pull; small, so that many flooding senders use little memory. */
const batch = 16
const expiresMs = 30_000
/**
 * The loss of a single broker closes the connection; the loss of a cluster node, with the
 * connection on another one, does not.
 */
const heartbeatMs = { alone: 5000, cluster: 1000 }

/**
 * Pulls messages from a consumer, in order, until `signal` is aborted.
 *
 * @throws {CentralPostError} `unavailable` when the consumer is gone or silent: its broker may have
 *   died with messages in flight
 */
export async function* pull(
  bus: Bus,
  stream: string,
  consumer: string,
  signal: AbortSignal,
): AsyncGenerator<Msg, void> {
  const { connection } = bus
  const everyMs = bus.broker.cluster === undefined ? heartbeatMs.alone : heartbeatMs.cluster
  const inbox = bus.newInbox()
  const arrived: Msg[] = []
  let heardAt = performance.now()
  let wake: (() => void) | undefined
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      heardAt = performance.now()
      if (error === null) arrived.push(message)
      wake?.()
    },
  })
  const stop = (): void => wake?.()
  signal.addEventListener('abort', stop)
  const call = new TextEncoder().encode(
    JSON.stringify({
      batch,
      expires: nanos(expiresMs),
      idle_heartbeat: nanos(everyMs),
    }),
  )
  try {
    for (let awaited = 0; !signal.aborted;) {
      if (awaited === 0) {
        connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, call, {
          reply: inbox,
        })
        awaited = batch
        heardAt = performance.now()
      }
      const message = arrived.shift()
      if (message === undefined) {
        if (performance.now() - heardAt > everyMs * 2) throw silent(stream, 'no heartbeat')
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        const timer = setTimeout(resolve, everyMs)
        await promise
        clearTimeout(timer)
        continue
      }
      const status = statusOf(message)
      if (status === undefined) {
        awaited -= 1
        yield message
      } else if (status === 404 || status === 408) awaited = 0
      else if (status !== 100) throw silent(stream, message.headers?.description ?? String(status))
    }
  } finally {
    signal.removeEventListener('abort', stop)
    if (!connection.isClosed()) subscription.unsubscribe()
  }
}

/** The broker's status for a pull; undefined for a message. */
function statusOf({ headers, data }: Msg): number | undefined {
  return data.length === 0 && headers?.code ? headers.code : undefined
}

function silent(stream: string, why: string): CentralPostError {
  return new CentralPostError('unavailable', `reading the stream ${stream}: ${why}`)
}

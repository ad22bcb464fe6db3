import type { Bus } from './bus.ts'
import { busError } from './bus-error.ts'
import { isMissing } from './streams.ts'

/** A message stored in a stream. */
export interface KeptMessage {
  readonly subject: string
  readonly data: Uint8Array
}

/**
 * The last message of a stream on a subject; null if it has none.
 *
 * @throws {CentralPostError} `unavailable` when the broker does not answer, `forbidden`
 */
export async function lastKeptMessage(
  bus: Bus,
  stream: string,
  subject: string,
): Promise<(KeptMessage & { readonly seq: number }) | null> {
  try {
    const manager = await bus.connection.jetstreamManager({ checkAPI: false })
    const { data, seq } = await manager.streams.getMessage(stream, { last_by_subj: subject })
    return { subject, data, seq }
  } catch (error) {
    if (isMissing(error)) return null
    throw busError(error, `reading ${subject}`)
  }
}

/** The page size: each message may have a megabyte. */
const pageSize = 32

/**
 * All messages in a stream at the time of the call, oldest first, in pages. Leaves no consumer on
 * the broker.
 *
 * @throws {CentralPostError} `unavailable` when the broker does not answer, `forbidden`
 */
export async function* keptMessages(bus: Bus, stream: string): AsyncGenerator<KeptMessage[]> {
  try {
    const manager = await bus.connection.jetstreamManager({ checkAPI: false })
    const message = async (seq: number): Promise<KeptMessage | null> => {
      try {
        return await manager.streams.getMessage(stream, { seq })
      } catch (error) {
        // replaced by a newer message, or expired
        if (isMissing(error)) return null
        throw error
      }
    }
    const { first_seq: first, last_seq: last } = (await manager.streams.info(stream)).state
    // a stream that never held a message reports 0 as its first
    for (let from = Math.max(1, first); from <= last; from += pageSize) {
      const page = Array.from({ length: Math.min(pageSize, last - from + 1) }, (_, n) =>
        message(from + n),
      )
      yield (await Promise.all(page)).filter((one) => one !== null)
    }
  } catch (error) {
    throw busError(error, `reading the stream ${stream}`)
  }
}

import type { Bus } from './bus.ts'
import { busError } from './bus-error.ts'
import { isMissing } from './streams.ts'

/** A message as a stream keeps it. */
export interface KeptMessage {
  readonly subject: string
  readonly data: Uint8Array
}

/**
 * The message that a stream kept last on a subject; null when it keeps none.
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

/** So many are asked for at a time: each may have a megabyte. */
const pageSize = 32

/**
 * Everything that a stream kept when this was called, oldest first, in pages. Leaves nothing at the broker.
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
        // another one has taken its place, or its time was over
        if (isMissing(error)) return null
        throw error
      }
    }
    const { first_seq: first, last_seq: last } = (await manager.streams.info(stream)).state
    // one that never held anything says that it begins with 0
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

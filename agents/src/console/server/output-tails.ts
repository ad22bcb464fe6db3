import type { ActionOutput } from '@centralpost/shared'
import { type ActionKey, keyOf } from '../wire/feed-message.ts'
import { OutputTail } from './output-tail.ts'

/** The number of actions whose output is kept; memory stays below this times 256 KiB. */
const mostTails = 64

/** The ends of the latest actions' outputs. */
export class OutputTails {
  readonly #tails = new Map<string, OutputTail>()

  push(chunk: ActionOutput): void {
    this.#of(keyOf(chunk)).push(chunk.stream, chunk.data, chunk.skipped_bytes ?? 0)
  }

  /** The kept output of an action; empty for one that is unknown or too old. */
  read(key: ActionKey): ReturnType<OutputTail['read']> {
    return this.#tails.get(keyOf(key))?.read() ?? { pieces: [], leftOut: 0 }
  }

  #of(key: string): OutputTail {
    const known = this.#tails.get(key)
    if (known) return known
    const tail = new OutputTail()
    this.#tails.set(key, tail)
    for (const oldest of this.#tails.keys()) {
      if (this.#tails.size <= mostTails) break
      this.#tails.delete(oldest)
    }
    return tail
  }
}

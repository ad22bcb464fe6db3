import type { OutputStream } from '@centralpost/shared'
import type { OutputPiece } from '../wire/feed-message.ts'

/** Limit of the output kept of one action, in characters. */
const keptLength = 256 * 1024

/** The bounded end of an action's output. Counts the omitted bytes. */
export class OutputTail {
  #pieces: OutputPiece[] = []
  #length = 0
  #leftOut = 0

  /** @param skippedBytes omitted by the hub before this piece */
  push(stream: OutputStream, data: string, skippedBytes: number): void {
    this.#leftOut += skippedBytes
    if (data === '') return
    const last = this.#pieces.at(-1)
    // many short pieces would cost more memory than their text
    if (last?.stream === stream && last.data.length + data.length <= 32 * 1024) {
      this.#pieces[this.#pieces.length - 1] = { stream, data: last.data + data }
    } else {
      this.#pieces.push({ stream, data })
    }
    this.#length += data.length
    while (this.#length > keptLength && this.#pieces.length > 1) {
      const dropped = this.#pieces.shift()
      this.#length -= dropped?.data.length ?? 0
      this.#leftOut += Buffer.byteLength(dropped?.data ?? '')
    }
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#leftOut === 0
  }

  /** The kept output, and the number of bytes omitted before it. */
  read(): { readonly pieces: readonly OutputPiece[]; readonly leftOut: number } {
    return { pieces: [...this.#pieces], leftOut: this.#leftOut }
  }

  /**
   * Takes pieces out, oldest first.
   *
   * @param most characters; one piece is taken even if it is longer
   */
  take(most: number): { readonly pieces: readonly OutputPiece[]; readonly leftOut: number } {
    const pieces: OutputPiece[] = []
    let length = 0
    for (;;) {
      const next = this.#pieces[0]
      if (next === undefined || (pieces.length > 0 && length + next.data.length > most)) break
      pieces.push(next)
      length += next.data.length
      this.#pieces.shift()
    }
    this.#length -= length
    const leftOut = this.#leftOut
    this.#leftOut = 0
    return { pieces, leftOut }
  }
}

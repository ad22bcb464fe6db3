import type { OutputPiece } from '../../wire/feed-message.ts'
import type { StreamChoice } from './screen.ts'

/** Limit of the output kept by the page, in characters; the oldest goes first. */
const mostHeld = 2_000_000

/** The output of the shown action, kept to redraw it after a change of stream or a pause. */
export class KeptOutput {
  #pieces: OutputPiece[] = []
  #length = 0
  #drawn = 0
  #leftOut = 0

  push(pieces: readonly OutputPiece[], leftOut: number): void {
    this.#leftOut += leftOut
    for (const piece of pieces) {
      this.#pieces.push(piece)
      this.#length += piece.data.length
    }
    while (this.#length > mostHeld && this.#pieces.length > 1) {
      const dropped = this.#pieces.shift()
      this.#length -= dropped?.data.length ?? 0
      if (this.#drawn > 0) this.#drawn -= 1
      else this.#leftOut += dropped?.data.length ?? 0
    }
  }

  /** Output not drawn yet, of the selected streams. */
  takeFresh(choice: StreamChoice): {
    readonly pieces: readonly OutputPiece[]
    readonly leftOut: number
  } {
    const fresh = this.#pieces.slice(this.#drawn)
    const leftOut = this.#leftOut
    this.#drawn = this.#pieces.length
    this.#leftOut = 0
    return {
      pieces: choice === 'both' ? fresh : fresh.filter(({ stream }) => stream === choice),
      leftOut,
    }
  }

  /** Everything must be redrawn. */
  rewind(): void {
    this.#drawn = 0
  }

  clear(): void {
    this.#pieces = []
    this.#length = 0
    this.#drawn = 0
    this.#leftOut = 0
  }

  text(choice: StreamChoice): string {
    return this.#pieces
      .filter(({ stream }) => choice === 'both' || stream === choice)
      .map(({ data }) => data)
      .join('')
  }
}

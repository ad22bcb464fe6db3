import type { ActionOutput } from '@centralpost/shared'

/** Limit of buffered output for a slow reader, in characters. */
const maxBuffered = 1024 * 1024

/**
 * The live output of one action, read once with `for await`. A slow reader loses the oldest chunks,
 * which a jump in `seq` shows. The hub keeps the complete output and serves it in pages.
 */
export class OutputBuffer implements AsyncIterable<ActionOutput> {
  readonly #chunks: ActionOutput[] = []
  #size = 0
  #ended = false
  #wake: (() => void) | undefined

  /** Adds a chunk; dropped after the end. */
  push(chunk: ActionOutput): void {
    if (this.#ended) return
    this.#chunks.push(chunk)
    this.#size += chunk.data.length
    while (this.#size > maxBuffered && this.#chunks.length > 1) this.#shift()
    this.#wake?.()
  }

  /** Ends the stream; buffered chunks can still be read. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ActionOutput, void> {
    try {
      for (;;) {
        const chunk = this.#shift()
        if (chunk) {
          yield chunk
          continue
        }
        if (this.#ended) return
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await promise
      }
    } finally {
      // nothing is buffered for a reader that has left
      this.#ended = true
      this.#chunks.length = 0
      this.#size = 0
    }
  }

  #shift(): ActionOutput | undefined {
    const chunk = this.#chunks.shift()
    if (chunk) this.#size -= chunk.data.length
    return chunk
  }
}

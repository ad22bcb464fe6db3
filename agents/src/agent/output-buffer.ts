import type { ActionOutput } from '@centralpost/shared'

/** How much output of one action waits for a slow reader, in characters. */
const maxBuffered = 1024 * 1024

/**
 * The live output of one action, read once with `for await`. A reader that is too slow loses the oldest chunks;
 * a jump in `seq` shows it (the hub keeps all of it and gives it out in pages).
 */
export class OutputBuffer implements AsyncIterable<ActionOutput> {
  readonly #chunks: ActionOutput[] = []
  #size = 0
  #ended = false
  #wake: (() => void) | undefined

  /** Takes a chunk; after the end it is dropped. */
  push(chunk: ActionOutput): void {
    if (this.#ended) return
    this.#chunks.push(chunk)
    this.#size += chunk.data.length
    while (this.#size > maxBuffered && this.#chunks.length > 1) this.#shift()
    this.#wake?.()
  }

  /** No more will come; what is buffered can still be read. */
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
      // a reader that left needs nothing kept for it
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

import type { Captured } from '../run.ts'
import { decodeUtf8, encodedBytes, trimEnd, trimStart } from './utf8.ts'

/** The part of one stream kept in memory: everything up to a bound, beyond it head and tail. */
export class KeptOutput {
  readonly #bound: number
  #head = Buffer.alloc(0)
  #headBytes = 0
  #tail: Buffer | null = null
  #bytes = 0

  /** @param bound maximal bytes of this stream in a result */
  constructor(bound: number) {
    this.#bound = bound
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether `more` bytes would still fit whole. */
  fits(more: number): boolean {
    return this.#bytes + more <= this.#bound
  }

  /** The whole stream, if it fits. */
  whole(): Buffer {
    return Buffer.from(this.#head.subarray(0, this.#headBytes))
  }

  push(chunk: Buffer): void {
    const toHead = chunk.subarray(0, this.#bound - this.#headBytes)
    if (toHead.length > 0) this.#grow(toHead)
    if (this.#bytes + chunk.length > this.#bound) {
      if (this.#tail === null) {
        this.#tail = Buffer.alloc(this.#bound)
        this.#head.copy(this.#tail, 0, 0, this.#headBytes)
      }
      const rest = chunk.subarray(toHead.length)
      const last = rest.subarray(Math.max(0, rest.length - this.#bound))
      writeRing(this.#tail, last, this.#bytes + chunk.length)
    }
    this.#bytes += chunk.length
  }

  /** The last bytes, as text. */
  tailText(bytes: number): string {
    return decodeUtf8(this.#last(bytes))
  }

  /**
   * The stream as it appears in a result. Text that grows in JSON (control characters, broken
   * UTF-8) is cut further, so that a result with both streams always fits into one message of 1
   * MiB.
   */
  capture(): Captured & { readonly complete: boolean } {
    const encodedBound = this.#bound * 1.5
    if (this.fits(0)) {
      const text = decodeUtf8(this.whole())
      if (encodedBytes(text) <= encodedBound) return { text, bytes: this.#bytes, complete: true }
    }
    for (let part = (this.#bound - 64) / 2; ; part = Math.floor(part * 0.7)) {
      const text = this.#shortened(Math.floor(part))
      if (encodedBytes(text) <= encodedBound || part < 16) {
        return { text, bytes: this.#bytes, complete: false }
      }
    }
  }

  #shortened(part: number): string {
    const available = Math.min(part, Math.floor(this.#bytes / 2))
    const head = trimEnd(this.#head.subarray(0, Math.min(available, this.#headBytes)))
    const tail = trimStart(this.#last(available))
    const left = this.#bytes - head.length - tail.length
    return `${decodeUtf8(head)}\n… ${left} bytes left out …\n${decodeUtf8(tail)}`
  }

  #grow(chunk: Buffer): void {
    const needed = this.#headBytes + chunk.length
    if (needed > this.#head.length) {
      const size = Math.min(this.#bound, Math.max(needed, this.#head.length * 2, 4096))
      const grown = Buffer.alloc(size)
      this.#head.copy(grown, 0, 0, this.#headBytes)
      this.#head = grown
    }
    chunk.copy(this.#head, this.#headBytes)
    this.#headBytes = needed
  }

  #last(count: number): Buffer {
    const wanted = Math.min(count, this.#bytes, this.#bound)
    if (this.#tail === null) return this.#head.subarray(this.#headBytes - wanted, this.#headBytes)
    const end = this.#bytes % this.#bound
    const from = end - wanted
    if (from >= 0) return this.#tail.subarray(from, end)
    return Buffer.concat([this.#tail.subarray(from), this.#tail.subarray(0, end)])
  }
}

/**
 * Writes bytes that end at offset `end` of the stream: byte n is stored at n modulo the ring's
 * size.
 */
function writeRing(ring: Buffer, bytes: Buffer, end: number): void {
  const from = (end - bytes.length) % ring.length
  const first = bytes.subarray(0, ring.length - from)
  first.copy(ring, from)
  bytes.copy(ring, 0, first.length)
}

import { outputStreams, type OutputStream } from '@centralpost/shared/light'
import type { OutputChunk } from '../run.ts'

/**
 * The longest piece, in raw bytes. In JSON it may grow sixfold and still fits one message of the
 * bus.
 */
const pieceBytes = 32 * 1024
const gatherMs = 50
const bytesPerSecond = 1024 * 1024

type Decoder = InstanceType<typeof TextDecoder>

/** The receiver of live output. */
export interface LiveListener {
  /** Whether earlier pieces have gone out far enough to send more. */
  readonly hasRoom: () => boolean
  readonly tell: (chunk: OutputChunk) => void
}

/**
 * Streams output to a listener, in pieces of at most 32 KiB or 50 ms, with whole characters, at
 * most 1 MiB a second and within the listener's capacity: the rest is skipped and counted on the
 * next piece.
 */
export class LiveOutput {
  readonly #listener: LiveListener
  readonly #decoders: Record<OutputStream, Decoder> = {
    stdout: new TextDecoder('utf-8', { ignoreBOM: true }),
    stderr: new TextDecoder('utf-8', { ignoreBOM: true }),
  }
  #pending: { stream: OutputStream; data: string; bytes: number } | null = null
  #timer: NodeJS.Timeout | null = null
  #seq = 0
  #skippedBytes = 0
  #allowance = bytesPerSecond
  #allowedAt = performance.now()

  constructor(listener: LiveListener) {
    this.#listener = listener
  }

  push(stream: OutputStream, bytes: Buffer): void {
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      this.#gather(stream, bytes.subarray(from, from + pieceBytes))
    }
  }

  /** Sends the rest, including an incomplete character. */
  finish(): void {
    for (const stream of outputStreams) {
      const data = this.#decoders[stream].decode()
      if (data !== '') this.#add(stream, data, 0)
    }
    this.#flush()
    if (this.#skippedBytes > 0) this.#tell('stdout', '')
  }

  #gather(stream: OutputStream, piece: Buffer): void {
    const pending = this.#pending
    if (
      pending !== null &&
      (pending.stream !== stream || pending.bytes + piece.length > pieceBytes)
    ) {
      this.#flush()
    }
    this.#add(stream, this.#decoders[stream].decode(piece, { stream: true }), piece.length)
  }

  #add(stream: OutputStream, data: string, bytes: number): void {
    if (this.#pending?.stream !== stream) this.#flush()
    this.#pending ??= { stream, data: '', bytes: 0 }
    this.#pending.data += data
    this.#pending.bytes += bytes
    this.#timer ??= setTimeout(() => this.#flush(), gatherMs)
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const pending = this.#pending
    this.#pending = null
    if (pending === null) return
    if (!this.#mayTell(pending.bytes)) {
      this.#skippedBytes += pending.bytes
      this.#seq += 1
    } else if (pending.data !== '') {
      this.#tell(pending.stream, pending.data)
    }
  }

  #mayTell(bytes: number): boolean {
    const now = performance.now()
    const earned = ((now - this.#allowedAt) / 1000) * bytesPerSecond
    this.#allowance = Math.min(bytesPerSecond, this.#allowance + earned)
    this.#allowedAt = now
    if (bytes > this.#allowance || !this.#listener.hasRoom()) return false
    this.#allowance -= bytes
    return true
  }

  #tell(stream: OutputStream, data: string): void {
    const skippedBytes = this.#skippedBytes
    this.#skippedBytes = 0
    const chunk = { seq: this.#seq, stream, data, ...(skippedBytes > 0 && { skippedBytes }) }
    this.#seq += 1
    this.#listener.tell(chunk)
  }
}

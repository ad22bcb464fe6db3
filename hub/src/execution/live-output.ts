import { messageOf, outputStreams, type Logger, type OutputStream } from '@centralpost/shared'
import type { OutputChunk } from './run.ts'

/** The longest piece, in bytes as written. As JSON it may be six times longer and still fits one message of the bus. */
const pieceBytes = 32 * 1024
const gatherMs = 50
const bytesPerSecond = 1024 * 1024

type Decoder = InstanceType<typeof TextDecoder>

/**
 * Tells a listener what comes, in pieces of at most 32 KiB or 50 ms, characters whole, at most 1 MiB a second: what
 * comes faster is skipped and counted on the next piece. A listener that throws is logged once and harms nothing.
 */
export class LiveOutput {
  readonly #listener: (chunk: OutputChunk) => void
  readonly #log: Logger
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
  #failed = false

  constructor(listener: (chunk: OutputChunk) => void, log: Logger) {
    this.#listener = listener
    this.#log = log
  }

  push(stream: OutputStream, bytes: Buffer): void {
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      this.#gather(stream, bytes.subarray(from, from + pieceBytes))
    }
  }

  /** Tells what is left, including a character that never became whole. */
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
    if (bytes > this.#allowance) return false
    this.#allowance -= bytes
    return true
  }

  #tell(stream: OutputStream, data: string): void {
    const skippedBytes = this.#skippedBytes
    this.#skippedBytes = 0
    const chunk = { seq: this.#seq, stream, data, ...(skippedBytes > 0 && { skippedBytes }) }
    this.#seq += 1
    try {
      this.#listener(chunk)
    } catch (error) {
      if (!this.#failed) this.#log.warn('an output listener failed', { error: messageOf(error) })
      this.#failed = true
    }
  }
}

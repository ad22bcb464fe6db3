import { outputStreams, type OutputStream } from '@centralpost/shared/light'
import { KeptOutput } from './kept-output.ts'
import type { LiveOutput } from './live-output.ts'
import type { OutputSource } from './output-source.ts'
import { OutputSpool } from './output-spool.ts'
import type { Captured } from '../run.ts'

export interface RunOutputParts {
  readonly actionId: string
  readonly spoolDir: string
  readonly maxOutputBytes: number
  readonly inlineBytes: number
  readonly live: LiveOutput | null
  /** Called once, when the output limit is exceeded. */
  readonly onOverLimit: () => void
  /** Called once, when the spool is not writable. */
  readonly onSpoolFault: (error: unknown) => void
}

/** The output in the form of the outcome. */
export interface CapturedOutput {
  readonly stdout: Captured
  readonly stderr: Captured
  readonly truncated: boolean
  readonly outputRef: string | null
}

/**
 * Receives a run's output. Short output stays in memory and touches no disk. From the first byte
 * beyond a result's capacity, everything goes to the spool. A stream is read on only after its last
 * piece is written: a fast producer waits, memory does not grow.
 */
export class RunOutput {
  readonly #parts: RunOutputParts
  readonly #sources: Readonly<Record<OutputStream, OutputSource>>
  readonly #kept: Readonly<Record<OutputStream, KeptOutput>>
  #spool: OutputSpool | null = null
  #spooling = false
  #failed = false
  #overLimit = false
  #writes: Promise<void> = Promise.resolve()
  #waitingWrites = 0
  #lastRead = performance.now()
  /** Resolves when both streams have ended and all is written. */
  readonly ended: Promise<void>

  constructor(sources: Readonly<Record<OutputStream, OutputSource>>, parts: RunOutputParts) {
    this.#parts = parts
    this.#kept = {
      stdout: new KeptOutput(parts.inlineBytes),
      stderr: new KeptOutput(parts.inlineBytes),
    }
    this.#sources = sources
    this.ended = Promise.all(
      outputStreams.map((stream) => sources[stream].read((bytes) => this.#take(stream, bytes))),
    ).then(() => this.#writes)
  }

  /** Time without output, in ms; 0 while the spool is being written. */
  get quietMs(): number {
    return this.#waitingWrites > 0 ? 0 : performance.now() - this.#lastRead
  }

  /** Stops reading, even if the other end is still open. */
  abandon(): void {
    for (const stream of outputStreams) this.#sources[stream].close()
  }

  stderrTail(): string {
    return this.#kept.stderr.tailText(8192)
  }

  /** Finalises the output; call it after `ended`. */
  async capture(): Promise<CapturedOutput> {
    this.#parts.live?.finish()
    const { complete: wholeOut, ...stdout } = this.#kept.stdout.capture()
    const { complete: wholeErr, ...stderr } = this.#kept.stderr.capture()
    const truncated = !wholeOut || !wholeErr
    if (truncated && !this.#spooling) this.#beginSpool()
    await this.#writes
    try {
      await this.#spool?.close()
    } catch (error) {
      this.#fail(error)
    }
    return { stdout, stderr, truncated, outputRef: this.#spool?.ref ?? null }
  }

  /** Takes a buffer; a returned promise resolves when more may be read. */
  #take(stream: OutputStream, chunk: Buffer): Promise<void> | undefined {
    this.#lastRead = performance.now()
    const room = this.#parts.maxOutputBytes - this.#kept.stdout.bytes - this.#kept.stderr.bytes
    const taken = chunk.length <= room ? chunk : chunk.subarray(0, room)
    if (taken.length > 0 && !this.#failed) {
      this.#parts.live?.push(stream, taken)
      if (!this.#spooling && !this.#kept[stream].fits(taken.length)) this.#beginSpool()
      this.#kept[stream].push(taken)
      // the reader reuses the buffer after the return
      if (this.#spooling) this.#write(stream, Buffer.from(taken))
    }
    if (chunk.length > room && !this.#overLimit) {
      this.#overLimit = true
      this.#parts.onOverLimit()
    }
    return this.#spooling ? this.#writes : undefined
  }

  /** Writes everything kept so far first; both streams are still complete at this point. */
  #beginSpool(): void {
    this.#spooling = true
    const { spoolDir, actionId } = this.#parts
    const backlog = outputStreams.map((stream) => [stream, this.#kept[stream].whole()] as const)
    this.#enqueue(async () => {
      this.#spool = await OutputSpool.create(spoolDir, actionId)
      for (const [stream, bytes] of backlog) await this.#spool.write(stream, bytes)
    })
  }

  #write(stream: OutputStream, bytes: Buffer): void {
    this.#enqueue(async () => this.#spool?.write(stream, bytes))
  }

  #enqueue(write: () => Promise<void> | undefined): void {
    this.#waitingWrites += 1
    this.#writes = this.#writes.then(async () => {
      try {
        if (!this.#failed) await write()
      } catch (error) {
        this.#fail(error)
      }
      this.#waitingWrites -= 1
    })
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#parts.onSpoolFault(error)
  }
}

import type { Readable } from 'node:stream'
import { outputStreams, type OutputStream } from '@centralpost/shared/light'
import { KeptOutput } from './kept-output.ts'
import type { LiveOutput } from './live-output.ts'
import { OutputSpool } from './output-spool.ts'
import type { Captured } from '../run.ts'

export interface RunOutputParts {
  readonly actionId: string
  readonly spoolDir: string
  readonly maxOutputBytes: number
  readonly inlineBytes: number
  readonly live: LiveOutput | null
  /** Called once, when more came than may. */
  readonly onOverLimit: () => void
  /** Called once, when the spool cannot be written. */
  readonly onSpoolFault: (error: unknown) => void
}

/** The output as the outcome holds it. */
export interface CapturedOutput {
  readonly stdout: Captured
  readonly stderr: Captured
  readonly truncated: boolean
  readonly outputRef: string | null
}

/**
 * Takes what a run writes. Short output stays in memory and touches no disk; from the first byte that a result
 * cannot hold, everything goes to the spool, and a stream is not read further until its last piece is written: a
 * fast producer waits, memory does not grow.
 */
export class RunOutput {
  readonly #parts: RunOutputParts
  readonly #streams: readonly Readable[]
  readonly #kept: Readonly<Record<OutputStream, KeptOutput>>
  #spool: OutputSpool | null = null
  #spooling = false
  #failed = false
  #overLimit = false
  #writes: Promise<void> = Promise.resolve()
  #waitingWrites = 0
  #lastRead = performance.now()
  /** When both streams have ended and all is written. */
  readonly ended: Promise<void>

  constructor(streams: Readonly<Record<OutputStream, Readable>>, parts: RunOutputParts) {
    this.#parts = parts
    this.#kept = {
      stdout: new KeptOutput(parts.inlineBytes),
      stderr: new KeptOutput(parts.inlineBytes),
    }
    this.#streams = [streams.stdout, streams.stderr]
    this.ended = Promise.all(
      outputStreams.map((stream) => this.#pump(stream, streams[stream])),
    ).then(() => this.#writes)
  }

  /** How long nothing has come, in ms; 0 while the spool is being written. */
  get quietMs(): number {
    return this.#waitingWrites > 0 ? 0 : performance.now() - this.#lastRead
  }

  /** Stops reading, whoever still holds the other end. */
  abandon(): void {
    for (const stream of this.#streams) stream.destroy()
  }

  stderrTail(): string {
    return this.#kept.stderr.tailText(8192)
  }

  /** Closes the books; call it after `ended`. */
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

  async #pump(stream: OutputStream, source: Readable): Promise<void> {
    try {
      for await (const chunk of source) await this.#take(stream, chunk as Buffer)
    } catch (error) {
      // A pipe that was abandoned or broke: what came is kept. Without a code it is a bug of ours.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
    }
  }

  async #take(stream: OutputStream, chunk: Buffer): Promise<void> {
    this.#lastRead = performance.now()
    const room = this.#parts.maxOutputBytes - this.#kept.stdout.bytes - this.#kept.stderr.bytes
    const taken = chunk.length <= room ? chunk : chunk.subarray(0, room)
    if (taken.length > 0 && !this.#failed) {
      this.#parts.live?.push(stream, taken)
      if (!this.#spooling && !this.#kept[stream].fits(taken.length)) this.#beginSpool()
      this.#kept[stream].push(taken)
      if (this.#spooling) this.#write(stream, taken)
    }
    if (chunk.length > room && !this.#overLimit) {
      this.#overLimit = true
      this.#parts.onOverLimit()
    }
    if (this.#spooling) await this.#writes
  }

  /** Everything kept so far goes first; both streams are still whole at this moment. */
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

import { mkdir, open, type FileHandle, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export interface RotatingFileOptions {
  readonly path: string
  /** rotation size, in bytes: `hub.log` becomes `hub1.log`, and so on */
  readonly maxBytes: number
  /** number of files kept, including the current one */
  readonly keep: number
  /** the line written in place of lost ones */
  readonly lostLine: (count: number, error: unknown) => string
}

/** Limit of the write buffer, in characters; lines beyond it are lost, and counted. */
const mostWaiting = 1_000_000
const retryMs = 1000

/**
 * An append-only file that never fails and never blocks: lines that cannot be written (a full disk)
 * are lost, and the file says so as soon as writing works again.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions
  readonly #closing = new AbortController()
  #waiting: string[] = []
  #size = 0
  #lost = 0
  #fault: unknown
  #file: FileHandle | undefined
  #fileSize = 0
  #working: Promise<void> | undefined

  constructor(options: RotatingFileOptions) {
    this.#options = options
  }

  /** @param line including its line end */
  add(line: string): void {
    if (this.#size + line.length > mostWaiting) {
      this.#lost += 1
      return
    }
    this.#waiting.push(line)
    this.#size += line.length
    this.#working ??= this.#work()
  }

  /** Flushes the buffer, if possible without waiting. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#working
    await this.#file?.close().catch(() => {})
    this.#file = undefined
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting
      this.#waiting = []
      this.#size = 0
      try {
        await this.#write(lines)
      } catch (error) {
        this.#lost += lines.length
        this.#fault = error
        await this.#file?.close().catch(() => {})
        this.#file = undefined
        if (this.#closing.signal.aborted) break
        await delay(retryMs, undefined, { signal: this.#closing.signal, ref: false }).catch(() => {
          // one last try
        })
      }
    }
    this.#working = undefined
  }

  async #write(lines: readonly string[]): Promise<void> {
    const lost = this.#lost
    // the next line must not run into a truncated one
    const gap = lost === 0 ? '' : `\n${this.#options.lostLine(lost, this.#fault)}\n`
    const bytes = Buffer.from(gap + lines.join(''))
    if (this.#file && this.#fileSize + bytes.length > this.#options.maxBytes) await this.#rotate()
    const file = await this.#open()
    await file.appendFile(bytes)
    this.#fileSize += bytes.length
    this.#lost -= lost
  }

  async #open(): Promise<FileHandle> {
    if (this.#file) return this.#file
    await mkdir(dirname(this.#options.path), { recursive: true, mode: 0o700 })
    this.#file = await open(this.#options.path, 'a', 0o600)
    this.#fileSize = (await this.#file.stat()).size
    if (this.#fileSize < this.#options.maxBytes) return this.#file
    await this.#rotate()
    return this.#open()
  }

  async #rotate(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    const { path, keep } = this.#options
    const named = (number: number): string =>
      number === 0 ? path : path.replace(/(\.[^./]*)?$/, `${number}$1`)
    for (let number = keep - 2; number >= 0; number -= 1) {
      await rename(named(number), named(number + 1)).catch((error: unknown) => {
        // fewer files exist so far
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      })
    }
  }
}

import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Pipe } from './pipe.ts'

/** The reading side of a process's output. */
export interface OutputSource {
  /**
   * Reads to the end; call it once.
   *
   * @param take gets the bytes as they arrive. The buffer is reused once it returns; if it returns
   *   a promise, reading pauses until that resolves
   */
  read(take: (bytes: Buffer) => Promise<void> | undefined): Promise<void>
  /** Stops reading, even if the other end is still open. */
  close(): void
}

/** The shared read buffer: one per read would make the runner large, and its starts slow. */
const shared = Buffer.allocUnsafeSlow(64 * 1024)

/** The reading end of a named pipe, returned to the pool when closed. */
export class PipeSource implements OutputSource {
  readonly #pipe: Pick<Pipe, 'readFd' | 'giveBack'>
  #socket: Socket | null = null

  constructor(pipe: Pick<Pipe, 'readFd' | 'giveBack'>) {
    this.#pipe = pipe
  }

  async read(take: (bytes: Buffer) => Promise<void> | undefined): Promise<void> {
    const { promise: closed, resolve, reject } = Promise.withResolvers<void>()
    const callback = (length: number): boolean => {
      const wait = take(shared.subarray(0, length))
      void wait?.then(() => socket.resume(), reject)
      return wait === undefined
    }
    const options = { fd: this.#pipe.readFd, readable: true, writable: false }
    const onread = { buffer: shared, callback }
    const socket: Socket = new Socket({ ...options, onread })
    this.#socket = socket
    // a broken pipe counts as ended: earlier output is kept
    socket.on('error', () => {})
    socket.once('close', () => resolve())
    await closed
    this.#pipe.giveBack()
  }

  close(): void {
    if (this.#socket !== null) {
      this.#socket.destroy()
      return
    }
    closeSync(this.#pipe.readFd)
    this.#pipe.giveBack()
  }
}

/** A stream made by Node, where named pipes are unavailable. */
export class StreamSource implements OutputSource {
  readonly #stream: Readable

  constructor(stream: Readable) {
    this.#stream = stream
  }

  async read(take: (bytes: Buffer) => Promise<void> | undefined): Promise<void> {
    try {
      for await (const bytes of this.#stream) await take(bytes as Buffer)
    } catch (error) {
      // An abandoned or broken pipe: earlier output is kept. An error without a code is a bug.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
    }
  }

  close(): void {
    this.#stream.destroy()
  }
}

import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Pipe } from './pipe.ts'

/** Where the output of a process comes out. */
export interface OutputSource {
  /**
   * Reads to the end; call it once.
   *
   * @param take gets the bytes as they come. They are its own only until it returns; when it returns a promise, nothing
   * is read until that has resolved
   */
  read(take: (bytes: Buffer) => Promise<void> | undefined): Promise<void>
  /** Reads no further, whoever still holds the other end. */
  close(): void
}

/** What every pipe is read into: a buffer for each read would make the runner large, and so its starts slow. */
const shared = Buffer.allocUnsafeSlow(64 * 1024)

/** The reading end of a named pipe, which is given back when it is closed. */
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
    // a pipe that broke has ended: what came is kept
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

/** A stream that Node made, where named pipes cannot be had. */
export class StreamSource implements OutputSource {
  readonly #stream: Readable

  constructor(stream: Readable) {
    this.#stream = stream
  }

  async read(take: (bytes: Buffer) => Promise<void> | undefined): Promise<void> {
    try {
      for await (const bytes of this.#stream) await take(bytes as Buffer)
    } catch (error) {
      // A pipe that was abandoned or broke: what came is kept. Without a code it is a bug of ours.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
    }
  }

  close(): void {
    this.#stream.destroy()
  }
}

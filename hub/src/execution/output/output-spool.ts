import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { outputStreams, type OutputStream } from '@centralpost/shared/light'

/** A folder per run, a file per stream: the whole output of a run whose result cannot hold it. */
export class OutputSpool {
  /** The argument of `readOutput`. */
  readonly ref: string
  readonly #files: Readonly<Record<OutputStream, FileHandle>>
  #closed = false

  private constructor(ref: string, files: Readonly<Record<OutputStream, FileHandle>>) {
    this.ref = ref
    this.#files = files
  }

  /**
   * Makes the folder and its files, readable only by the hub's user.
   *
   * @param actionId names the folder; a second agent's equal id gets a numeric suffix
   * @throws the file system's error
   */
  static async create(spoolDir: string, actionId: string): Promise<OutputSpool> {
    await mkdir(spoolDir, { recursive: true, mode: 0o700 })
    const ref = await makeFolder(spoolDir, actionId)
    const opened: FileHandle[] = []
    try {
      for (const stream of outputStreams) {
        opened.push(await open(spoolFile(spoolDir, ref, stream), 'wx', 0o600))
      }
      const [stdout, stderr] = opened as [FileHandle, FileHandle]
      return new OutputSpool(ref, { stdout, stderr })
    } catch (error) {
      await Promise.allSettled(opened.map((file) => file.close()))
      throw error
    }
  }

  /** Appends to a stream's file. @throws the file system's error (`ENOSPC` …) */
  async write(stream: OutputStream, bytes: Uint8Array): Promise<void> {
    await this.#files[stream].writeFile(bytes)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([this.#files.stdout.close(), this.#files.stderr.close()])
  }
}

export function spoolFile(spoolDir: string, ref: string, stream: OutputStream): string {
  return join(spoolDir, ref, stream)
}

async function makeFolder(spoolDir: string, actionId: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const ref = attempt === 1 ? actionId : `${actionId}.${attempt}`
    try {
      await mkdir(join(spoolDir, ref), { mode: 0o700 })
      return ref
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

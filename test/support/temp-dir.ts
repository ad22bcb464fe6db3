import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that goes with the test. */
export class TempDir {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async make(): Promise<TempDir> {
    return new TempDir(await mkdtemp(join(tmpdir(), 'centralpost-')))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
}

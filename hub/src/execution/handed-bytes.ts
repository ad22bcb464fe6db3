import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Bytes that many processes are to read, each from their beginning: a file without a name, opened anew for each of them.
 * A pipe for each would take half a millisecond.
 */
export class HandedBytes {
  readonly bytes: Uint8Array
  #file: number | null = null

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** A descriptor for one process, to be closed here when it has its own; null where no file can be made. */
  open(): number | null {
    try {
      this.#file ??= withoutName(this.bytes)
      return openSync(`/proc/self/fd/${this.#file}`, 'r')
    } catch {
      // the disk is full, or there is no /proc
      return null
    }
  }
}

function withoutName(bytes: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'centralpost-bytes-'))
  try {
    const path = join(folder, 'bytes')
    writeFileSync(path, bytes, { mode: 0o600 })
    return openSync(path, 'r')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

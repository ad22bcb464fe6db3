import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Bytes that many processes read from the beginning: an unnamed file, opened anew for each of them.
 * A pipe for each would take half a millisecond.
 */
export class HandedBytes {
  readonly bytes: Uint8Array
  #file: number | null = null

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /**
   * A descriptor for one process, to be closed here once the process has its own; null if the file
   * cannot be made.
   */
  open(): number | null {
    try {
      this.#file ??= withoutName(this.bytes)
      return openSync(`/proc/self/fd/${this.#file}`, 'r')
    } catch {
      // the disk is full, or /proc is missing
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

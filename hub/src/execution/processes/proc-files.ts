import { closeSync, openSync, readSync } from 'node:fs'

/** Files of /proc report size 0; `readFileSync` would allocate 64 KiB for each. */
const page = Buffer.allocUnsafeSlow(64 * 1024)

/** The text of a file in /proc, one character per byte. Null when it is gone, or another user's. */
export function readProcFile(path: string): string | null {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return null
  }
  try {
    let text = ''
    for (;;) {
      const length = readSync(fd, page)
      text += page.toString('latin1', 0, length)
      if (length < page.length) return text
    }
  } catch {
    // Its process has ended since it was opened.
    return null
  } finally {
    closeSync(fd)
  }
}

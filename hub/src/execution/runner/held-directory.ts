import { closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { hasProcessTable } from '../processes/process-table.ts'

/** `O_PATH`, missing in Node: the directory itself, even if unreadable. */
const withoutReading = 0o10_000_000

/** An open directory: a program started in `path` starts there, wherever the name leads by then. */
export interface HeldDirectory extends Disposable {
  readonly path: string
}

/**
 * Opens the directory that a command was cleared for. Between clearance and start it, or a parent,
 * may be replaced by a symlink: the opened directory must match the name.
 *  Without /proc (macOS) the name is used unchecked.
 *
 * @param cwd real path
 * @throws an error with the system's code when it is gone (`ENOENT`), or was replaced (`ENOTDIR`)
 */
export function holdDirectory(cwd: string): HeldDirectory {
  if (!hasProcessTable) return { path: cwd, [Symbol.dispose]: () => {} }
  const fd = openSync(cwd, withoutReading | constants.O_DIRECTORY)
  const path = `/proc/self/fd/${fd}`
  const real = readlinkSync(path)
  if (real === cwd) return { path, [Symbol.dispose]: () => closeSync(fd) }
  closeSync(fd)
  const message = `the folder "${cwd}" was cleared, and now leads to "${real}"`
  throw Object.assign(new Error(message), { code: 'ENOTDIR' })
}

import { closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { hasProcessTable } from '../processes/process-table.ts'

/** `O_PATH`, which Node does not name: the directory itself, whether or not it may be read. */
const withoutReading = 0o10_000_000

/** A directory that is held open: what is started in `path` starts in it, whatever its name leads to by then. */
export interface HeldDirectory extends Disposable {
  readonly path: string
}

/**
 * Opens the directory that a command was cleared for. Between the clearance and the start somebody may put a link to
 * elsewhere in the place of it or of one above it: what is opened must be what the name says.
 *
 * Without a /proc (macOS) the name is taken as it is.
 *
 * @param cwd real path
 * @throws an error with the system's code when it is gone (`ENOENT`), or something else is in its place (`ENOTDIR`)
 */
export function holdDirectory(cwd: string): HeldDirectory {
  if (!hasProcessTable) return { path: cwd, [Symbol.dispose]: () => {} }
  const fd = openSync(cwd, withoutReading | constants.O_DIRECTORY)
  const path = `/proc/self/fd/${fd}`
  const real = readlinkSync(path)
  if (real === cwd) return { path, [Symbol.dispose]: () => closeSync(fd) }
  closeSync(fd)
  const message = `the folder "${cwd}" was cleared, and leads to "${real}" by now`
  throw Object.assign(new Error(message), { code: 'ENOTDIR' })
}

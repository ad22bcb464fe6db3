import { statSync } from 'node:fs'
import { normalize } from 'node:path'
import { CentralPostError, isWithin, messageOf, realPathOf } from '@centralpost/shared'

/**
 * Checks a command's working directory.
 *
 * @param cwd absolute path of a folder
 * @param roots the folders that commands may work in, with all below them; empty: no directory is
 *   allowed
 * @returns the folder's real path, with all symlinks resolved
 * @throws {CentralPostError} `invalid_request` when it is missing, no folder, or outside the roots
 */
export async function checkCwd(cwd: string, roots: readonly string[]): Promise<string> {
  const refuse = (what: string, cause?: unknown) =>
    new CentralPostError('invalid_request', `cwd: ${what} (got ${JSON.stringify(cwd)})`, {
      cause,
      details: { field: 'cwd' },
    })
  if (!cwd.startsWith('/')) throw refuse('must be an absolute path')
  // synchronous and once: a thread for each lookup would take ten times as long
  const real = realPathOf(normalize(cwd))
  // checked first, with one message for every path outside: it must not reveal what exists there
  if (!roots.some((root) => isWithin(real, realPathOf(root)))) {
    throw refuse(
      `is outside the allowed roots ${roots.map((root) => JSON.stringify(root)).join(', ')}; ` +
        'name a folder inside one, or let the hub allow another root',
    )
  }
  try {
    if (!statSync(real).isDirectory()) throw refuse('is not a folder; name a folder')
    return real
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'invalid_request') throw error
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw refuse('does not exist; create the folder first or name another', error)
    }
    throw refuse(`cannot be entered: ${messageOf(error)}`, error)
  }
}

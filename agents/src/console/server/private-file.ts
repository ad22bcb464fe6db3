import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CentralPostError, messageOf } from '@centralpost/shared'

/**
 * Writes a file that only its owner may read, whole or not at all. Its folder is made when it is missing.
 *
 * @throws {CentralPostError} `storage`
 */
export function writePrivateFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(temporary, text, { mode: 0o600 })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new CentralPostError('storage', `cannot write ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

import { randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf } from '../message-of.ts'
import { CentralPostError } from '../problem.ts'

/**
 * Makes a folder that only its owner may enter. Leaves an existing one unchanged: others may use
 * it.
 */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new CentralPostError(
      'storage',
      `cannot make the folder ${path}: ${messageOf(error)}; choose another data directory with --data`,
      { cause: error },
    )
  }
}

/**
 * Replaces a file that only its owner may read. Readers see the old text or the new, never a part.
 */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw new CentralPostError('storage', `cannot write ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/**
 * Writes a file that only its owner may read, whole or not at all. Its folder is made when it is missing.
 *
 * @throws {CentralPostError} `storage`
 */
export function writePrivateFileSync(path: string, text: string): void {
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

/** The text of a file, or undefined if it is missing. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new CentralPostError('storage', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** Whether an error of the operating system has this code, such as `EEXIST`. */
export function hasCode(error: unknown, code: string): boolean {
  return Error.isError(error) && 'code' in error && error.code === code
}

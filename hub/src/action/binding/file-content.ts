import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { isHeldFile, isWithin } from '@centralpost/shared'

/** What stands at a path, as far as an approval can bind it. */
export type Found =
  | {
      readonly kind: 'file'
      readonly held: string
      readonly text: string | null
      readonly isExecutable: boolean
    }
  | { readonly kind: 'directory' | 'missing' | 'special' | 'unreadable' }

/** How many bytes may still be hashed; shared by all files of one command. */
export interface ByteBudget {
  left: number
}

/** What the kernel makes up when it is read is no file that an approval could bind. */
const madeUp = /^\/(proc|sys|dev)\//

const maxHashedBytes = 1_048_576
/** Longer files are bound, but not searched for the names of others. */
const maxTextBytes = 262_144

/** The hash of a short secret tells it to whoever guesses well. */
const maySecret =
  /^\.env|\.env$|secret|credential|passw|token|netrc|pgpass|npmrc|pypirc|^id_|\.(pem|key|p12|pfx|jks|kdbx?)$/i

/**
 * Looks at one path. A file is told by the hash of what it holds. A long one, and one that the agent might not read
 * itself, is told by its inode and the time of its last change, which unlike that of its last writing nobody can set.
 *
 * @param place where the agent reads anyway, so that a hash gives nothing away
 */
export async function lookAt(path: string, place: string, budget: ByteBudget): Promise<Found> {
  if (madeUp.test(path)) return { kind: 'special' }
  try {
    // the hub's own database by another name: to open it would cost its locks
    if (isHeldFile(await stat(path))) return { kind: 'special' }
    // never waits for a writer of a named pipe
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const found = await file.stat({ bigint: true })
    if (found.isDirectory()) return { kind: 'directory' }
    if (!found.isFile()) return { kind: 'special' }
    const { ino, size, mode, mtimeNs, ctimeNs } = found
    const isExecutable = (mode & 0o111n) !== 0n
    const isShort = size <= maxHashedBytes && size <= budget.left
    const isHashed = isShort && (await isOpen(path, place, mode))
    const content = isHashed ? await readUpTo(file, maxHashedBytes) : null
    if (content === null) {
      const held = `${ino}-${size}-${mtimeNs}-${ctimeNs}`
      return { kind: 'file', held, text: null, isExecutable }
    }
    budget.left -= content.length
    const held = createHash('sha256').update(content).digest('hex')
    const isText = content.length <= maxTextBytes && !content.includes(0)
    return { kind: 'file', held, text: isText ? content.toString() : null, isExecutable }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    return { kind: absent.has(code) ? 'missing' : code === 'ENXIO' ? 'special' : 'unreadable' }
  }
}

const absent: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ENAMETOOLONG',
  'ELOOP',
  'EINVAL',
])

/** Whether the hash of a file tells its agent nothing that it could not read. */
async function isOpen(path: string, place: string, mode: bigint): Promise<boolean> {
  const real = await realpath(path)
  if (maySecret.test(basename(path)) || maySecret.test(basename(real))) return false
  return (mode & 0o004n) !== 0n || isWithin(real, place)
}

/** All of a file, or null when it grows beyond the limit while it is read. */
async function readUpTo(file: FileHandle, most: number): Promise<Buffer | null> {
  const buffer = Buffer.allocUnsafe(most + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
    if (length > most) return null
  }
}

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { isHeldFile, isWithin } from '@centralpost/shared'

/** The content at a path, as far as an approval can bind it. */
export type Found =
  | {
      readonly kind: 'file'
      readonly held: string
      readonly text: string | null
      readonly isExecutable: boolean
    }
  | { readonly kind: 'directory' | 'missing' | 'special' | 'unreadable' }

/** The remaining hash budget in bytes, shared by all files of one command. */
export interface ByteBudget {
  left: number
}

/** Pseudo-files of the kernel have no stable content to bind. */
const madeUp = /^\/(proc|sys|dev)\//

const maxHashedBytes = 1_048_576
/** Longer files are bound, but not searched for further names. */
const maxTextBytes = 262_144

/** The hash of a short secret would let the agent guess it. */
const maySecret =
  /^\.env|\.env$|secret|credential|passw|token|netrc|pgpass|npmrc|pypirc|^id_|\.(pem|key|p12|pfx|jks|kdbx?)$/i

/**
 * Fingerprints one path by its content hash. For a large file, or one that the agent may not read,
 * it uses inode and ctime: ctime, unlike mtime, cannot be forged.
 *
 * @param place a directory readable by the agent, where hashes reveal nothing
 */
export async function lookAt(path: string, place: string, budget: ByteBudget): Promise<Found> {
  if (madeUp.test(path)) return { kind: 'special' }
  try {
    // a link to the hub's own database: opening it would drop its locks
    if (isHeldFile(await stat(path))) return { kind: 'special' }
    // never blocks on a named pipe without a writer
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

/** Whether the agent could read the file anyway, so that its hash reveals nothing. */
async function isOpen(path: string, place: string, mode: bigint): Promise<boolean> {
  const real = await realpath(path)
  if (maySecret.test(basename(path)) || maySecret.test(basename(real))) return false
  return (mode & 0o004n) !== 0n || isWithin(real, place)
}

/** A whole file, or null when it exceeds the limit while being read. */
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

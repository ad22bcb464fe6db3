import { isUtf8 } from 'node:buffer'
import { open, type FileHandle } from 'node:fs/promises'
import { CentralPostError, type OutputStream } from '@centralpost/shared'
import { spoolFile } from './output-spool.ts'
import { characterBytes, decodeUtf8, encodedBytes, trimEnd } from './utf8.ts'

/** One page of a stream. Offsets count bytes of the stream, not characters of `data`. */
export interface OutputPage {
  readonly data: string
  readonly offset: number
  readonly next_offset: number
  readonly total: number
  readonly eof: boolean
}

const refPattern = /^[A-Za-z0-9_-]{1,64}(?:\.\d{1,9})?$/
const maxPageBytes = 256 * 1024
const maxEncodedBytes = 768 * 1024

/**
 * Reads a page of a run's kept output. Characters are never split: a page begins at the character
 * that contains `offset` and ends after a whole one.
 *
 * @param limit length of the page in bytes; at most 256 KiB, less where JSON would grow much larger
 * @throws {CentralPostError} `invalid_request` for a bad reference or offset, `not_found` when the
 *   output is gone
 */
export async function readOutputPage(
  spoolDir: string,
  outputRef: string,
  stream: OutputStream,
  offset: number,
  limit: number,
): Promise<OutputPage> {
  if (!refPattern.test(outputRef)) {
    throw refused('output_ref', 'is not an output reference of a result', outputRef)
  }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw refused('offset', 'must be an integer number of bytes, at least 0', offset)
  }
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw refused('limit', 'must be an integer number of bytes, at least 1', limit)
  }
  await using file = await openKept(spoolFile(spoolDir, outputRef, stream), outputRef)
  const total = (await file.stat()).size
  const wanted = Math.min(Math.max(limit, 4), maxPageBytes)
  const from = await startOfCharacter(file, Math.min(offset, total))
  let bytes = await readAt(file, from, wanted)
  if (from + bytes.length < total) bytes = trimEnd(bytes)
  let data = decodeUtf8(bytes)
  while (encodedBytes(data) > maxEncodedBytes) {
    bytes = trimEnd(bytes.subarray(0, Math.floor(bytes.length / 2)))
    data = decodeUtf8(bytes)
  }
  const next = from + bytes.length
  return { data, offset: from, next_offset: next, total, eof: next >= total }
}

async function openKept(path: string, outputRef: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new CentralPostError(
      'not_found',
      `no output is kept under "${outputRef}": it has expired, or newer ones replaced it`,
      {
        cause: error,
      },
    )
  }
}

/**
 * The start of the character that contains a byte: at most three bytes earlier. A byte of a broken
 * character stands alone, as when the stream is read from its beginning.
 */
async function startOfCharacter(file: FileHandle, offset: number): Promise<number> {
  const before = Math.min(3, offset)
  const around = await readAt(file, offset - before, before + 3)
  for (let start = before - 1; start >= 0; start -= 1) {
    const end = start + characterBytes(around[start] as number)
    if (end <= start) continue
    return end > before && isUtf8(around.subarray(start, end)) ? offset - before + start : offset
  }
  return offset
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, position + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return bytes.subarray(0, read)
}

function refused(field: string, what: string, value: unknown): CentralPostError {
  return new CentralPostError(
    'invalid_request',
    `${field}: ${what} (got ${JSON.stringify(value)})`,
    { details: { field } },
  )
}

// The program run by `sqlite-page-reader.ts`: the path is its argument, page numbers arrive as one
// line on stdin. Exits after its answer, or when stdin closes: the caller is gone then.
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'

const tableLeaf = 13
const headerBytes = 8
/** A property of the event table: tells its rows from those of an earlier owner of the page. */
const columns = 9

/**
 * Checks raw rows of the audit trail for the one change that queries do not show: SQLite ignores a
 * value stored in place of the rowid, which must be null.
 *
 * @param pages the leaf pages of the table
 * @returns the number of the first altered row; null without any
 */
async function rowWithAddition(path: string, pages: readonly number[]): Promise<number | null> {
  await using file = await open(path, 'r')
  const first = Buffer.alloc(headerBytes * 4)
  await file.read(first, 0, first.length, 0)
  const stated = first.readUInt16BE(16)
  const size = stated === 1 ? 65_536 : stated
  const page = Buffer.alloc(size)
  let least: number | null = null
  for (const number of pages) {
    const { bytesRead } = await file.read(page, 0, size, (number - 1) * size)
    // pages still in the log are covered by its own checksums
    if (bytesRead < size || page[0] !== tableLeaf) continue
    const row = changedRow(page)
    if (row !== null) least = Math.min(least ?? row, row)
  }
  return least
}

function changedRow(page: Buffer): number | null {
  const cells = page.readUInt16BE(3)
  for (let index = 0; index < cells && headerBytes + index * 2 + 2 <= page.length; index += 1) {
    let at = page.readUInt16BE(headerBytes + index * 2)
    const [, lengthBytes] = varint(page, at)
    const [row, rowBytes] = varint(page, at + lengthBytes)
    at += lengthBytes + rowBytes
    const [header, bytes] = varint(page, at)
    const end = at + header
    let read = at + bytes
    const types: number[] = []
    while (read < end && types.length <= columns) {
      const [type, typeBytes] = varint(page, read)
      types.push(type)
      read += typeBytes
    }
    if (types.length === columns && types[0] !== 0) return row
  }
  return null
}

function varint(bytes: Buffer, at: number): [value: number, length: number] {
  let value = 0
  for (let length = 1; length <= 9; length += 1) {
    const byte = bytes[at + length - 1] ?? 0
    value = value * 128 + (byte & 127)
    if (byte < 128) return [value, length]
  }
  return [value, 9]
}

const lines = createInterface({ input: process.stdin })
lines.once('close', () => process.exit())
lines.once('line', (line) => {
  void rowWithAddition(process.argv[2] ?? '', JSON.parse(line) as number[]).then((row) => {
    process.stdout.write(JSON.stringify(row), () => process.exit())
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import SqliteDatabase from 'better-sqlite3'
import { rowWithAddition } from '#hub/history/store/dialect/sqlite-page-reader.ts'
import { TempDir } from '../../../../support/temp-dir.ts'

const program = fileURLToPath(
  new URL('../../../../../hub/src/history/store/dialect/sqlite-pages.ts', import.meta.url),
)

function madeIn(folder: string): string {
  const path = join(folder, 'some.db')
  const file = new SqliteDatabase(path)
  file.exec('create table t (a, b, c, d, e, f, g, h, i); insert into t default values')
  file.close()
  return path
}

test('pages are read by a process that ends with its answer', async () => {
  await using folder = await TempDir.make()
  expect(await rowWithAddition(madeIn(folder.path), [1, 2])).toBeNull()
  await expect(rowWithAddition(join(folder.path, 'none.db'), [2])).rejects.toThrow('cannot be read')
})

test('who reads pages ends when who asked has gone', async () => {
  await using folder = await TempDir.make()
  const child = spawn(process.execPath, [program, madeIn(folder.path)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  let said = ''
  child.stdout.on('data', (text) => {
    said += String(text)
  })
  // more than it could read in minutes
  const pages = `[${'2,'.repeat(5_000_000)}2]\n`
  await new Promise((resolve) => child.stdin.write(pages, resolve))
  child.stdin.end()
  await ended
  expect(said).toBe('')
}, 60_000)

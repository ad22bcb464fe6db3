import { existsSync } from 'node:fs'
import { readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { openLog } from '@centralpost/shared/file-logger'
import { RotatingFile } from '#shared/log/rotating-file.ts'
import { eventually } from '../../support/eventually.ts'
import { TempDir } from '../../support/temp-dir.ts'

// every write to it fails with ENOSPC
const testOnFull = existsSync('/dev/full') ? test : test.skip

testOnFull('a log on a full disk costs lines, says so when there is space again, and ends', goesOn)

async function goesOn(): Promise<void> {
  await using dir = await TempDir.make()
  const path = join(dir.path, 'hub.log')
  await symlink('/dev/full', path)
  const log = openLog({ component: 'hub', level: 'info', file: path, terminal: false })
  for (let line = 0; line < 2000; line += 1) {
    log.info('on a full disk', { line, much: 'x'.repeat(100) })
    if (line % 100 === 0) await new Promise(setImmediate)
  }
  await rm(path)
  const text = await eventually(async () => {
    log.info('there is space')
    const written = await readFile(path, 'utf8')
    return written.includes('there is space') && written
  })
  const lines = text.split('\n').filter(Boolean)
  expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual(
    expect.objectContaining({
      message: 'lines of this log are lost: it could not be written',
      error: expect.stringContaining('ENOSPC'),
      lines: expect.any(Number),
    }),
  )
  log.info('the last line')
  await log.close()
  expect(await readFile(path, 'utf8')).toContain('the last line')
}

testOnFull('a log whose disk stays full keeps no process from its end', async () => {
  await using dir = await TempDir.make()
  const path = join(dir.path, 'hub.log')
  await symlink('/dev/full', path)
  const log = openLog({ component: 'hub', level: 'info', file: path, terminal: false })
  for (let line = 0; line < 500; line += 1) log.info('on a full disk', { line })
  await log.close()
})

test('a log is put aside when it is long, and only so many are kept', async () => {
  await using dir = await TempDir.make()
  const path = join(dir.path, 'hub.log')
  const file = new RotatingFile({ path, maxBytes: 100, keep: 3, lostLine: () => 'lost' })
  for (let line = 0; line < 12; line += 1) {
    file.add(`${String(line).padStart(39, '0')}\n`)
    // one that came with the next would be written with it
    await eventually(async () => (await readFile(path, 'utf8')).endsWith(`${line}\n`))
  }
  await file.close()
  const read = (name: string): Promise<string> => readFile(join(dir.path, name), 'utf8')
  expect(Number(await read('hub.log').then((text) => text.trim().split('\n').at(-1)))).toBe(11)
  for (const name of ['hub.log', 'hub1.log', 'hub2.log']) {
    expect((await read(name)).length).toBeLessThanOrEqual(100)
  }
  expect(existsSync(join(dir.path, 'hub3.log'))).toBe(false)
})

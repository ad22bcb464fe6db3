import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { Cli, cli } from '../agents/cli/run-cli.ts'
import { eventually } from '../support/eventually.ts'
import { TempDir } from '../support/temp-dir.ts'

test('the demo passes on a directory that is no repository and has a space in its name', async () => {
  await using folder = await TempDir.make()
  await using temporary = await TempDir.make()
  const path = join(folder.path, "it's a directory")
  await mkdir(path)
  await writeFile(join(path, 'a file.txt'), 'TODO: nothing\n')

  const { code, stdout, stderr } = await cli(['demo', '--path', path], {
    env: { TMPDIR: temporary.path },
  })

  expect(stderr).toBe('')
  expect(stdout).toContain('the demo passed')
  expect(stdout).not.toContain('MISSED')
  expect(stdout.match(/✓/g)).toHaveLength(10)
  expect(code).toBe(0)
  expect(await readdir(path)).toEqual(['a file.txt'])
  expect(await readdir(temporary.path)).toEqual([])
}, 120_000)

test('a demo that is stopped half-way leaves nothing behind', async () => {
  await using temporary = await TempDir.make()
  await using demo = new Cli(['demo'], { cwd: temporary.path, env: { TMPDIR: temporary.path } })
  await eventually(() => demo.stdout.includes('asks'), 60_000)
  demo.kill('SIGINT')
  const { code, stderr } = await demo.ended
  expect(stderr).toContain('the demo was stopped and has removed its files')
  expect(code).toBe(130)
  expect(await readdir(temporary.path)).toEqual([])
}, 120_000)

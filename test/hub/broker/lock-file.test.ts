import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { LockFile } from '#hub/broker/lock-file.ts'
import { startTimeOf } from '#hub/broker/process-identity.ts'
import { TempDir } from '../../support/temp-dir.ts'

test('a lock that is held names its holder, and is free after its release', async () => {
  await using dir = await TempDir.make()
  const path = join(dir.path, 'lock')
  const first = await LockFile.tryTake(path)
  expect(first).toBeInstanceOf(LockFile)

  expect(await LockFile.tryTake(path)).toMatchObject({ pid: process.pid })
  await expect(LockFile.take(path, { waitMs: 30 })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(String(process.pid)),
  })

  await (first as LockFile).release()
  expect(await LockFile.tryTake(path)).toBeInstanceOf(LockFile)
})

test.each([
  ['a pid that is not in use', { pid: 2 ** 22 + 1, started: '1', token: 'x' }],
  ['a pid that was given to a later process', { pid: process.pid, started: '1', token: 'x' }],
  ['no holder that can be read', 'rubbish'],
])('a lock with %s counts as free', async (_case, content) => {
  await using dir = await TempDir.make()
  const path = join(dir.path, 'lock')
  await writeFile(path, JSON.stringify(content))

  expect(await LockFile.tryTake(path)).toBeInstanceOf(LockFile)
})

test('of many who find a stale lock at once exactly one takes it', async () => {
  await using dir = await TempDir.make()
  const path = join(dir.path, 'lock')
  // two took it in one round of two hundred
  for (let round = 0; round < 400; round += 1) {
    await writeFile(path, JSON.stringify({ pid: process.pid, started: '1', token: `${round}` }))
    const taken = await Promise.all(Array.from({ length: 8 }, () => LockFile.tryTake(path)))
    const held = taken.filter((lock) => lock instanceof LockFile)
    expect(held).toHaveLength(1)
    await held[0]?.release()
  }
})

test('a process is told from a later one of its pid by when it started', async () => {
  expect(await startTimeOf(process.pid)).toBe(await startTimeOf(process.pid))
  expect(await startTimeOf(process.pid)).not.toBe(await startTimeOf(1))
  expect(await startTimeOf(2 ** 22 + 1)).toBeUndefined()
})

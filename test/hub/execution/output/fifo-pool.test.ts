import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { silentLogger } from '@centralpost/shared'
import { FifoPool } from '#hub/execution/output/fifo-pool.ts'
import type { Pipe } from '#hub/execution/output/pipe.ts'

class Pools implements AsyncDisposable {
  readonly pool = new FifoPool(silentLogger)

  /** Takes so many at once that every pipe of a batch is among them. */
  async all(): Promise<Pipe[]> {
    const pipes = await Promise.all(Array.from({ length: 64 }, () => this.pool.takeOne()))
    return pipes.filter((pipe) => pipe !== null)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close()
  }
}

function done(pipes: readonly Pipe[]): void {
  for (const pipe of pipes) {
    closeSync(pipe.readFd)
    closeSync(pipe.writeFd)
    pipe.giveBack()
  }
}

const inodes = (pipes: readonly Pipe[]): number[] =>
  pipes.map(({ id }) => id.ino).toSorted((a, b) => a - b)

test('pipes that nobody has open are used again, and are empty', async () => {
  await using it = new Pools()
  const first = await it.all()
  for (const { writeFd } of first) writeSync(writeFd, 'of another action')
  done(first)
  const again = await it.all()
  expect(inodes(again)).toEqual(inodes(first))
  for (const { writeFd, readFd } of again) {
    writeSync(writeFd, 'x')
    const page = Buffer.alloc(64)
    expect(page.toString('utf8', 0, readSync(readFd, page))).toBe('x')
  }
  done(again)
})

test.each([
  ['reads', constants.O_RDONLY | constants.O_NONBLOCK],
  ['may still write', constants.O_WRONLY],
])('one that somebody %s is never used again', async (_what, flags) => {
  await using it = new Pools()
  const first = await it.all()
  const [held, ...others] = first
  if (held === undefined) throw new Error('no pipe')
  const fd = openSync(`/proc/self/fd/${held.readFd}`, flags)
  done(first)
  const again = await it.all()
  expect(inodes(again)).not.toContain(held.id.ino)
  expect(inodes(again)).toEqual(expect.arrayContaining(inodes(others)))
  done(again)
  closeSync(fd)
})

test('a pool that is closed gives none, and takes none back', async () => {
  const it = new Pools()
  const pipes = await it.all()
  await it.pool.close()
  expect(await it.pool.takeOne()).toBeNull()
  done(pipes)
  expect(await it.pool.take()).toBeNull()
})

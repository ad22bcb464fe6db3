import { expect, test } from '@jest/globals'
import type { OutputChunk } from '#hub/execution/index.ts'
import { LiveOutput } from '#hub/execution/output/live-output.ts'
import { eventually } from '../../../support/eventually.ts'

function listen(hasRoom = () => true) {
  const chunks: OutputChunk[] = []
  const live = new LiveOutput({ hasRoom, tell: (chunk) => chunks.push(chunk) })
  return { chunks, live }
}

test('what comes close together is one piece', () => {
  const { chunks, live } = listen()

  for (const text of ['a', 'b', 'c']) live.push('stdout', Buffer.from(text))
  live.finish()

  expect(chunks).toEqual([{ seq: 0, stream: 'stdout', data: 'abc' }])
})

test('a piece is told soon, without more to come', async () => {
  const { chunks, live } = listen()

  live.push('stderr', Buffer.from('waiting'))
  expect(chunks).toEqual([])
  await eventually(() => chunks.length > 0, 1000)

  expect(chunks).toEqual([{ seq: 0, stream: 'stderr', data: 'waiting' }])
  live.finish()
  expect(chunks).toHaveLength(1)
})

test('a change of stream ends a piece, so that the order is kept', () => {
  const { chunks, live } = listen()

  for (const stream of ['stdout', 'stderr', 'stdout'] as const) {
    live.push(stream, Buffer.from(stream))
  }
  live.finish()

  expect(chunks.map(({ seq, stream }) => [seq, stream])).toEqual([
    [0, 'stdout'],
    [1, 'stderr'],
    [2, 'stdout'],
  ])
})

test('a character is whole though the other stream speaks in between', () => {
  const { chunks, live } = listen()
  const [start, end] = [Buffer.from('€').subarray(0, 1), Buffer.from('€').subarray(1)]

  live.push('stdout', start)
  live.push('stderr', Buffer.from('!'))
  live.push('stdout', end)
  live.finish()

  expect(chunks.map(({ data }) => data)).toEqual(['!', '€'])
  expect(chunks.map(({ seq }) => seq)).toEqual([0, 1])
})

test('a long write comes in pieces of at most 32 KiB', () => {
  const { chunks, live } = listen()

  live.push('stdout', Buffer.alloc(100_000, 'x'))
  live.finish()

  expect(chunks.map(({ data }) => data.length)).toEqual([32_768, 32_768, 32_768, 1696])
})

test('past a MiB in a moment, pieces are left out, and all of them are counted', () => {
  const { chunks, live } = listen()

  for (let count = 0; count < 64; count += 1) live.push('stdout', Buffer.alloc(32_768, 'x'))
  live.finish()

  const told = chunks.reduce((sum, { data }) => sum + data.length, 0)
  const skipped = chunks.reduce((sum, { skippedBytes = 0 }) => sum + skippedBytes, 0)
  expect(told).toBeGreaterThanOrEqual(1024 * 1024)
  // on a machine that takes its time over this, more may go out meanwhile
  expect(skipped).toBeGreaterThan(0)
  expect(told + skipped).toBe(64 * 32_768)
})

test('a listener that has no room is spared, and told how much it missed', () => {
  let hasRoom = false
  const { chunks, live } = listen(() => hasRoom)
  live.push('stdout', Buffer.from('lost'))
  live.push('stderr', Buffer.from('lost too'))
  live.push('stdout', Buffer.from('heard'))
  hasRoom = true
  live.finish()
  expect(chunks).toEqual([{ seq: 2, stream: 'stdout', data: 'heard', skippedBytes: 12 }])
})

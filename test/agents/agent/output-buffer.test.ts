import { expect, test } from '@jest/globals'
import type { ActionOutput } from '@centralpost/shared'
import { OutputBuffer } from '#agents/agent/output-buffer.ts'

const chunk = (seq: number, data = 'x'): ActionOutput => ({
  schema: 1,
  action_id: 'a',
  agent_id: 'agent',
  seq,
  stream: 'stdout',
  data,
})

async function seqsOf(buffer: OutputBuffer): Promise<number[]> {
  const seqs = []
  for await (const { seq } of buffer) seqs.push(seq)
  return seqs
}

test('what came before the reader and what comes while it waits is read in order, until the end', async () => {
  const buffer = new OutputBuffer()
  buffer.push(chunk(0))
  const reading = seqsOf(buffer)
  await Promise.resolve()
  buffer.push(chunk(1))
  await new Promise((resolve) => setImmediate(resolve))
  buffer.push(chunk(2))
  buffer.end()
  buffer.push(chunk(3))
  expect(await reading).toEqual([0, 1, 2])
})

test('a reader that is too slow loses the oldest chunks and sees it by seq', async () => {
  const buffer = new OutputBuffer()
  const size = 100_000
  for (let seq = 0; seq < 100; seq += 1) buffer.push(chunk(seq, 'x'.repeat(size)))
  buffer.end()
  const seqs = await seqsOf(buffer)
  expect(seqs.at(-1)).toBe(99)
  expect(seqs.length * size).toBeLessThanOrEqual(1024 * 1024)
  expect(seqs).toEqual(seqs.map((_, at) => (seqs[0] ?? 0) + at))
})

test('one chunk larger than the buffer is kept', async () => {
  const buffer = new OutputBuffer()
  buffer.push(chunk(0, 'x'.repeat(2 * 1024 * 1024)))
  buffer.end()
  expect(await seqsOf(buffer)).toEqual([0])
})

test('a reader that leaves lets everything go', async () => {
  const buffer = new OutputBuffer()
  buffer.push(chunk(0))
  buffer.push(chunk(1))
  for await (const { seq } of buffer) {
    expect(seq).toBe(0)
    break
  }
  buffer.push(chunk(2))
  expect(await seqsOf(buffer)).toEqual([])
})

import { RunQueue } from '#hub/action/run-queue.ts'

/** A queue whose runs end when the test says so. */
function heldQueue(options: { parallel: number; parallelPerAgent: number }) {
  const started: number[] = []
  const ends = new Map<number, () => void>()
  const queue = new RunQueue(options, (executionId) => {
    started.push(executionId)
    const { promise, resolve } = Promise.withResolvers<void>()
    ends.set(executionId, resolve)
    return promise
  })
  const end = async (executionId: number): Promise<void> => {
    ends.get(executionId)?.()
    await new Promise(setImmediate)
  }
  return { queue, started, end }
}

describe('the run queue', () => {
  test('agents take turns: thousands of one delay another by no more than what runs', async () => {
    const { queue, started, end } = heldQueue({ parallel: 2, parallelPerAgent: 2 })
    for (let n = 0; n < 5000; n += 1) queue.push('busy', n)
    queue.push('other', 9001)
    expect(started).toEqual([0, 1])
    await end(0)
    await end(1)
    expect(started).toContain(9001)
    expect(queue.waiting).toBe(5001 - started.length)
  })

  test('one agent has no more than its share, whatever is free', async () => {
    const { queue, started, end } = heldQueue({ parallel: 4, parallelPerAgent: 2 })
    for (let n = 0; n < 5; n += 1) queue.push('a', n)
    expect(started).toEqual([0, 1])
    queue.push('b', 10)
    expect(started).toEqual([0, 1, 10])
    await end(1)
    expect(started).toEqual([0, 1, 10, 2])
  })

  test('whoever ran least lately is next, ahead of all that have waited longer', async () => {
    const { queue, started, end } = heldQueue({ parallel: 1, parallelPerAgent: 1 })
    const flooders = ['f0', 'f1', 'f2', 'f3']
    flooders.forEach((name, index) => {
      for (let n = 0; n < 50; n += 1) queue.push(name, index * 100 + n)
    })
    // each has had some time: in turns, since all have had the same
    for (let n = 0; n < 8; n += 1) {
      const busyUntil = performance.now() + 3
      while (performance.now() < busyUntil);
      await end(started.at(-1) ?? 0)
    }
    expect(new Set(started.slice(0, 4).map((id) => Math.floor(id / 100)))).toEqual(
      new Set([0, 1, 2, 3]),
    )
    queue.push('polite', 9001)
    await end(started.at(-1) ?? 0)
    expect(started.at(-1)).toBe(9001)
    // it has no more than the others then: it waits for each of them
    queue.push('polite', 9002)
    const busyUntil = performance.now() + 50
    while (performance.now() < busyUntil);
    for (let n = 0; n < 4; n += 1) await end(started.at(-1) ?? 0)
    expect(started).not.toContain(9002)
  })

  test('tells how long a line is by the places that an agent may get', async () => {
    const { queue, end } = heldQueue({ parallel: 4, parallelPerAgent: 3 })
    for (let n = 0; n < 23; n += 1) queue.push('a', n)
    const alone = queue.expectedWaitMs('a')
    for (let agent = 0; agent < 7; agent += 1) {
      for (let n = 0; n < 9; n += 1) queue.push(`other-${agent}`, 1000 + agent * 100 + n)
    }
    expect(queue.expectedWaitMs('a')).toBeCloseTo(alone * 6, 5)
    await end(0)
  })

  test('each line is first come first served', async () => {
    const { queue, started, end } = heldQueue({ parallel: 1, parallelPerAgent: 1 })
    for (const n of [1, 2, 3]) queue.push('a', n)
    await end(1)
    await end(2)
    expect(started).toEqual([1, 2, 3])
  })

  test('paused, it starts nothing more; idle when what ran has ended', async () => {
    const { queue, started, end } = heldQueue({ parallel: 1, parallelPerAgent: 1 })
    queue.push('a', 1)
    queue.push('a', 2)
    queue.pause()
    const idle = queue.idle()
    await end(1)
    await idle
    expect(started).toEqual([1])
    expect(queue.running).toBe(0)
  })

  test('a place can be taken before it is needed, and counts until it is given back', async () => {
    const { queue, started } = heldQueue({ parallel: 2, parallelPerAgent: 1 })
    const place = queue.reserve('a')
    expect(place).not.toBeNull()
    expect(queue.reserve('a')).toBeNull()
    expect(queue.running).toBe(1)
    queue.push('a', 1)
    expect(started).toEqual([])
    place?.release()
    expect(started).toEqual([1])
  })

  test('a reserved place is used for work that need not stand in line', async () => {
    const { queue, end } = heldQueue({ parallel: 1, parallelPerAgent: 1 })
    const work = Promise.withResolvers<void>()
    queue.reserve('a')?.run(() => work.promise)
    const idle = queue.idle()
    expect(queue.running).toBe(1)
    work.resolve()
    await idle
    expect(queue.running).toBe(0)
    await end(0)
  })

  test('nobody is passed by who stands in line, and nothing is reserved when paused', async () => {
    const { queue } = heldQueue({ parallel: 2, parallelPerAgent: 1 })
    queue.push('a', 1)
    queue.push('a', 2)
    expect(queue.reserve('a')).toBeNull()
    const other = queue.reserve('b')
    expect(other).not.toBeNull()
    other?.release()
    queue.pause()
    expect(queue.reserve('c')).toBeNull()
  })
})

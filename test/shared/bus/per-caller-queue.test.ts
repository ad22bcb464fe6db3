import { setTimeout as delay } from 'node:timers/promises'
import { PerCallerQueue } from '#shared/bus/per-caller-queue.ts'

describe('turns', () => {
  test('one caller has one call at a time, in order; others need not wait for them', async () => {
    const turns = new PerCallerQueue()
    const done: string[] = []
    const call = (caller: string, name: string, ms: number) =>
      turns.take(caller, async () => {
        await delay(ms)
        done.push(name)
      })
    await Promise.all([call('a', 'a1', 60), call('a', 'a2', 0), call('b', 'b1', 5)])
    expect(done).toEqual(['b1', 'a1', 'a2'])
  })

  test('a call that fails is told to its caller, and the next one goes on', async () => {
    const turns = new PerCallerQueue()
    const failing = turns.take('a', () => Promise.reject(new Error('no')))
    const next = turns.take('a', () => Promise.resolve('yes'))
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })

  test('who calls without end is told to wait', async () => {
    const turns = new PerCallerQueue(64)
    const calls = Array.from({ length: 70 }, () => turns.take('a', () => delay(1)))
    const ended = await Promise.allSettled(calls)
    const refused = ended.filter((one) => one.status === 'rejected')
    expect(refused).toHaveLength(6)
    expect(refused[0]?.reason).toMatchObject({ code: 'unavailable' })
  })
})

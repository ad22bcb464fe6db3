import { setTimeout as delay } from 'node:timers/promises'
import { Deadlines } from '#hub/approval/deadlines.ts'
import { eventually } from '../../support/eventually.ts'

describe('deadlines', () => {
  test('call back when their time has come, once, and not when they were cleared', async () => {
    const due: number[] = []
    const deadlines = new Deadlines(Date.now, (id) => due.push(id))
    deadlines.set(1, Date.now() + 20)
    deadlines.set(2, Date.now() + 20)
    deadlines.clear(2)
    deadlines.set(3, Date.now() - 1000)
    await delay(80)
    expect(due).toEqual([3, 1])
  })

  test('follow the clock on the wall: one that was set back makes them wait again', async () => {
    const due: number[] = []
    let now = 1_000_000
    const deadlines = new Deadlines(
      () => now,
      (id) => due.push(id),
    )
    deadlines.set(1, now + 20)
    now -= 100
    await delay(60)
    expect(due).toEqual([])
    await delay(120)
    now += 1000
    await delay(200)
    expect(due).toEqual([1])
    deadlines.clearAll()
  })

  test('end what lasts only so long also when the clock was set back', async () => {
    const due: [number, number][] = []
    let now = 1_000_000
    const deadlines = new Deadlines(
      () => now,
      (id, at) => due.push([id, at]),
    )
    deadlines.set(1, now + 20, 20)
    now -= 3_600_000
    await eventually(() => due.length === 1)
    // the time that was set, by which it is told from a later one
    expect(due).toEqual([[1, 1_000_020]])
    deadlines.again(1, 1_000_020, 10)
    await eventually(() => due.length === 2)
    expect(due[1]).toEqual([1, 1_000_020])
  })
})

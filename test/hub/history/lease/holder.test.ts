import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { areNeighbours, isProvenDead, readHolder, thisHolder } from '#hub/history/lease/holder.ts'

const asker = thisHolder('hub-b')

describe('a holder of a lease is proven dead', () => {
  test('only when its very process is gone, from where that would be seen', async () => {
    if (asker === null) throw new Error('this system does not name processes')
    const child = spawn('sleep', ['600'])
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1')
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
    const holder = { ...asker, pid: child.pid ?? 0, startTicks, marker: 'hub-a' }
    expect(isProvenDead(holder, asker)).toBe(false)
    // the number was given to another process
    expect(isProvenDead({ ...holder, startTicks: '1' }, asker)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isProvenDead(holder, asker)).toBe(true)
    for (const elsewhere of [{ boot: 'another' }, { pidNamespace: 'pid:[1]' }]) {
      expect(isProvenDead({ ...holder, ...elsewhere }, asker)).toBe(false)
      expect(areNeighbours({ ...holder, ...elsewhere }, asker)).toBe(false)
    }
  })

  test('never by what cannot be read', () => {
    for (const text of [null, '', '{', '{"pid":1}']) {
      expect(readHolder(text)).toBeNull()
      expect(isProvenDead(readHolder(text), asker)).toBe(false)
    }
    expect(readHolder(JSON.stringify(asker))).toEqual(asker)
  })
})

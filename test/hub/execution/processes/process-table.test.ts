import { spawn } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import {
  lastPid,
  ProcessTable,
  readProcess,
  type ProcessEntry,
} from '#hub/execution/processes/process-table.ts'
import { eventually } from '../../../support/eventually.ts'
import { TempDir } from '../../../support/temp-dir.ts'

/** A sleeping process, killed at the end of the test. */
function sleeper(file: string, env: Record<string, string> = {}) {
  const child = spawn(file, ['1000'], { env, stdio: 'ignore', detached: true })
  const pid = child.pid ?? 0
  return { pid, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

test('a process is read with parent, group, session and marks', async () => {
  using child = sleeper('/bin/sleep', {
    A: '1',
    CENTRALPOST_RUN: 'run-1',
    CENTRALPOST_HUB: 'hub=1',
    CENTRALPOST_ACTION: 'action-1',
    CENTRALPOST_AGENT: 'agent-a',
  })

  expect(readProcess(child.pid)).toMatchObject({
    pid: child.pid,
    parent: process.pid,
    group: child.pid,
    session: child.pid,
    name: 'sleep',
    ended: false,
    marks: { runId: 'run-1', hubId: 'hub=1', actionId: 'action-1', agentId: 'agent-a' },
  })
})

test('a name with spaces and parentheses does not confuse', async () => {
  await using dir = await TempDir.make()
  const file = join(dir.path, 'a) S 1 (b')
  await copyFile('/bin/sleep', file)
  using child = sleeper(file)

  expect(readProcess(child.pid)).toMatchObject({
    name: 'a) S 1 (b',
    parent: process.pid,
    group: child.pid,
  })
})

test('a process that is gone is null, and its pid in another life is another process', async () => {
  let pid: number
  let before: ProcessEntry | null
  {
    using child = sleeper('/bin/sleep')
    pid = child.pid
    before = readProcess(pid)
  }

  expect(before?.startTicks).toBeGreaterThan(0)
  await eventually(() => readProcess(pid) === null)
})

test('the table holds this process, and above a pid only younger ones', async () => {
  const table = new ProcessTable()
  using child = sleeper('/bin/sleep')

  const pids = (await table.read()).map(({ pid }) => pid)
  const younger = (await table.readAbove(child.pid - 1)).map(({ pid }) => pid)

  expect(pids).toEqual(expect.arrayContaining([process.pid, child.pid, 1]))
  expect(new Set(pids).size).toBe(pids.length)
  expect(younger).toContain(child.pid)
  expect(Math.min(...younger)).toBeGreaterThanOrEqual(child.pid)
})

test('those who ask at the same time share a scan that began after they asked', async () => {
  const table = new ProcessTable()
  const first = table.read()
  using child = sleeper('/bin/sleep')

  const [, second, third] = await Promise.all([first, table.read(), table.read()])

  expect(second).toBe(third)
  expect(second.map(({ pid }) => pid)).toContain(child.pid)
})

test('the last pid is that of the youngest process or one younger still', () => {
  using child = sleeper('/bin/sleep')

  expect(lastPid()).toBeGreaterThanOrEqual(child.pid)
})

import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { Program } from '../../support/program.ts'
import { isRunning, livingWith, TestExecutor } from './executor-fixture.ts'

/** Starts commands in another process and kills that one with -9, first its runners where these are to die as well. */
async function leaveBehind(
  marker: string,
  spoolDir: string,
  scripts: readonly string[],
  { withRunners }: { withRunners: boolean },
) {
  await using hub = new Program('executor-that-dies.ts', [marker, spoolDir, ...scripts])
  await eventually(() => hub.stdout.includes('all up'))
  hub.child.kill('SIGSTOP')
  const runners = /runners ([\d ]+)/.exec(hub.stdout)?.[1]?.split(' ').map(Number) ?? []
  expect(runners.length).toBeGreaterThan(0)
  if (withRunners) for (const pid of runners) process.kill(pid, 'SIGKILL')
  hub.child.kill('SIGKILL')
  await hub.ended
}

test('a hub that is killed leaves nothing behind: its runner ends all that it started', async () => {
  await using it = await TestExecutor.make()
  const mine = `CENTRALPOST_HUB=${it.options.marker}`
  const nap = `sleep 2002.${process.pid}`
  const scripts = [
    ...Array.from({ length: 18 }, () => nap),
    `(setsid bash -c '${nap} & ${nap}' >/dev/null 2>&1 &); ${nap}`,
    `trap '' TERM; ${nap}; ${nap}`,
  ]
  await leaveBehind(it.options.marker, join(it.cwd, 'spool'), scripts, { withRunners: false })

  await eventually(() => livingWith(mine).length === 0, 15_000)
  expect(isRunning(nap)).toBe(false)
}, 30_000)

test('what a hub and its runner that were killed left running is found, ended and told', async () => {
  await using it = await TestExecutor.make()
  const mine = `CENTRALPOST_HUB=${it.options.marker}`
  const nap = `sleep 2001.${process.pid}`
  const scripts = [
    nap,
    `(setsid bash -c '${nap} & ${nap}' >/dev/null 2>&1 &); ${nap}`,
    `trap '' TERM; ${nap}; ${nap}`,
  ]
  await leaveBehind(it.options.marker, join(it.cwd, 'spool'), scripts, { withRunners: true })
  expect(livingWith(mine).length).toBeGreaterThanOrEqual(6)

  const survivors = await it.executor.endSurvivors()

  expect(livingWith(mine)).toEqual([])
  expect(isRunning(nap)).toBe(false)
  const actions = new Set(survivors.map(({ actionId }) => actionId))
  expect(actions).toEqual(new Set(['action-0', 'action-1', 'action-2']))
  expect(new Set(survivors.map(({ signal }) => signal))).toEqual(new Set(['SIGTERM', 'SIGKILL']))
  expect(survivors.map(({ name }) => name)).toContain('sleep')
}, 30_000)

test('the processes of another hub are left alone', async () => {
  await using it = await TestExecutor.make()
  await using other = await TestExecutor.make()
  const started = Promise.withResolvers<number>()
  const running = other.script('sleep 0.5; echo fine', {}, { onStart: started.resolve })
  await started.promise

  expect(await it.executor.endSurvivors()).toEqual([])
  expect(await running).toMatchObject({ status: 'completed', stdout: { text: 'fine\n' } })
})

test('what runs in this hub is no survivor', async () => {
  await using it = await TestExecutor.make()
  const started = Promise.withResolvers<number>()
  const running = it.script('sleep 0.5; echo fine', {}, { onStart: started.resolve })
  await started.promise

  expect(await it.executor.endSurvivors()).toEqual([])
  expect(await running).toMatchObject({ status: 'completed', stdout: { text: 'fine\n' } })
})

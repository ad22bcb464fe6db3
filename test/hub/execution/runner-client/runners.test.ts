import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { eventually } from '../../../support/eventually.ts'
import { livingWith, TestExecutor } from '../executor-fixture.ts'

/** The runner's pid, once there is one. */
function runnerOf(it: TestExecutor): Promise<number> {
  return eventually(() => it.executor.runnerPids[0])
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

describe('the process that starts commands', () => {
  test('is not the hub', async () => {
    await using it = await TestExecutor.make()

    const { stdout } = await it.script('echo $PPID')

    expect(Number(stdout.text)).toBe(await runnerOf(it))
    expect(Number(stdout.text)).not.toBe(process.pid)
  })

  test('holds nothing of the environment that the hub was started with', async () => {
    await using it = await TestExecutor.make({ hubEnv: { LANG: 'C', SECRET: 'hush' } })
    await it.argv(['true'])

    const environ = readFileSync(`/proc/${await runnerOf(it)}/environ`, 'utf8')

    const names = environ.split('\0').map((line) => line.replace(/=.*/s, ''))
    expect(names.filter((name) => !name.startsWith('NODE_CHANNEL_'))).toEqual([
      'PATH',
      'MALLOC_ARENA_MAX',
      'CENTRALPOST_RUNNER_OF',
      '',
    ])
  })

  test('is a small one', async () => {
    await using it = await TestExecutor.make()
    for (let round = 0; round < 50; round += 1) await it.argv(['true'])

    expect(residentBytes(await runnerOf(it)) / 1024 / 1024).toBeLessThan(100)
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('outlasts a %s', async (signal) => {
    await using it = await TestExecutor.make()
    const running = it.script('sleep 0.4; echo done')
    const pid = await runnerOf(it)
    await eventually(() => livingWith(`CENTRALPOST_HUB=${it.options.marker}`).length > 0)

    process.kill(pid, signal)

    expect(await running).toMatchObject({ status: 'completed', stdout: { text: 'done\n' } })
    expect(await runnerOf(it)).toBe(pid)
  })

  test('ends when its executor is stopped', async () => {
    await using it = await TestExecutor.make()
    await it.argv(['true'])
    const pid = await runnerOf(it)

    await it.executor.stop()

    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(it.executor.runnerPids).toEqual([])
  })
})

describe('a runner that dies', () => {
  test('leaves interrupted what it ran, ends what is left of it, and the next command runs', async () => {
    await using it = await TestExecutor.make()
    const mine = `CENTRALPOST_HUB=${it.options.marker}`
    const runs = [
      it.script('sleep 100'),
      it.script('(setsid sleep 100 &) >/dev/null 2>&1; sleep 100'),
      it.script("trap '' TERM; echo up; while :; do sleep 1; done"),
    ]
    await eventually(() => livingWith(mine).length >= 5)
    const first = await runnerOf(it)

    process.kill(first, 'SIGKILL')

    for (const outcome of await Promise.all(runs)) {
      expect(outcome).toMatchObject({ status: 'interrupted', errorCategory: 'interrupted' })
      expect(outcome.reason).toContain('it is not run again')
    }
    expect(livingWith(mine)).toEqual([])
    expect(await it.script('echo next')).toMatchObject({ stdout: { text: 'next\n' } })
    expect(await runnerOf(it)).not.toBe(first)
    expect(it.warned.map(({ message }) => message)).toContain(
      'the process that runs commands has died; replacing it',
    )
  })

  test('again and again loses no more than what ran', async () => {
    await using it = await TestExecutor.make()
    for (let round = 0; round < 3; round += 1) {
      const started = Promise.withResolvers<number>()
      const running = it.script('sleep 50', {}, { onStart: started.resolve })
      await started.promise
      process.kill(await runnerOf(it), 'SIGKILL')
      expect(await running).toMatchObject({ status: 'interrupted' })
    }
    expect(await it.argv(['echo', 'fine'])).toMatchObject({ stdout: { text: 'fine\n' } })
  })

  test('while it starts is replaced once more: nothing fails, and what is left of a lost run is ended', async () => {
    await using it = await TestExecutor.make()
    const mine = `CENTRALPOST_HUB=${it.options.marker}`
    const lost = it.script('sleep 100')
    await eventually(() => livingWith(mine).length > 0)
    const killed: number[] = []
    const kill = (pid: number): void => {
      process.kill(pid, 'SIGKILL')
      killed.push(pid)
    }
    kill(await runnerOf(it))
    await eventually(() => killed.every((pid) => !it.executor.runnerPids.includes(pid)))
    const next = it.script('echo next')
    for (let round = 0; round < 2; round += 1) {
      kill(await eventually(() => it.executor.runnerPids.find((pid) => !killed.includes(pid))))
    }

    expect(await next).toMatchObject({ stdout: { text: 'next\n' } })
    expect(await lost).toMatchObject({ status: 'interrupted' })
    expect(livingWith(mine)).toEqual([])
  })

  test('while it is asked for survivors leaves the question to the next one', async () => {
    await using it = await TestExecutor.make()
    await it.argv(['true'])
    const asked = it.executor.endSurvivors()
    process.kill(await runnerOf(it), 'SIGKILL')

    expect(await asked).toEqual([])
  })
})

test('several runners share the work', async () => {
  await using it = await TestExecutor.make({ runners: 2 })

  const outcomes = await Promise.all(
    Array.from({ length: 8 }, () => it.script('sleep 0.2; echo $PPID')),
  )

  const parents = new Set(outcomes.map(({ stdout }) => Number(stdout.text)))
  expect(parents).toEqual(new Set(it.executor.runnerPids))
  expect(parents.size).toBe(2)
})

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { isRunning, livingWith, TestExecutor, type Changes } from './executor-fixture.ts'

// The faults that an executor has to stand, each on real processes. What is not here is where its kind is:
//   `yes` at full speed for ten seconds ...... output.test.ts, "ten seconds of full speed grow the memory of neither …"
//   a full disk under the spool .............. output.test.ts, "a full disk ends the command and keeps what was written"
//   a fork bomb under the process limit ...... sandbox/limits.test.ts, "a small fork bomb is contained …"
//   a hub killed with 20 commands running .... survivors.test.ts, and with its broker: test/chaos/kill-in-any-order.test.ts
//   a command that turns on its runner ....... test/attack/runner.test.ts

/** A command that nobody else runs, so that what is left of it is found whatever became of its environment. */
const nap = `sleep 1000.${process.pid}`

interface Fault {
  readonly name: string
  readonly script: string
  readonly changes?: Changes
  readonly outcome: object
}

const faults: readonly Fault[] = [
  {
    name: 'sleep 1000 with a timeout',
    script: `exec ${nap}`,
    changes: { timeoutMs: 300 },
    outcome: { status: 'timed_out', errorCategory: 'timeout', signal: 'SIGTERM' },
  },
  {
    name: 'SIGTERM is ignored, by the command and by its children',
    script: `trap '' TERM; ${nap} & ${nap}; ${nap}`,
    changes: { timeoutMs: 300 },
    outcome: { status: 'timed_out', errorCategory: 'timeout', signal: 'SIGKILL' },
  },
  {
    name: 'a double fork with setsid, left behind at the end',
    script: `(setsid bash -c '${nap} & disown; exit' >/dev/null 2>&1 &); sleep 0.2; echo done`,
    outcome: { status: 'completed', stdout: { text: 'done\n', bytes: 5 } },
  },
  {
    name: 'a double fork with setsid that ignores SIGTERM, at a timeout',
    script: `(setsid bash -c 'trap "" TERM; ${nap} & ${nap}' >/dev/null 2>&1 &); ${nap}`,
    changes: { timeoutMs: 500 },
    outcome: { status: 'timed_out', errorCategory: 'timeout' },
  },
  {
    name: 'a child that closes its pipes and stays',
    script: `exec >&- 2>&-; ${nap}`,
    changes: { timeoutMs: 400 },
    outcome: { status: 'timed_out', errorCategory: 'timeout' },
  },
  {
    name: 'a background child that holds the pipes',
    script: `${nap} & echo done`,
    outcome: { status: 'completed', stdout: { text: 'done\n', bytes: 5 } },
  },
  {
    name: 'a reader of stdin',
    script: 'cat; read -r line; echo "$? $line"',
    outcome: { status: 'completed', stdout: { text: '1 \n', bytes: 3 } },
  },
  {
    name: 'a command that is not there',
    script: 'centralpost-no-such-program',
    outcome: { status: 'failed', exitCode: 127, errorCategory: 'not_found' },
  },
  {
    name: 'a file that may not be executed',
    script: 'touch tool; ./tool',
    outcome: { status: 'failed', exitCode: 126, errorCategory: 'permission' },
  },
  {
    name: 'a directory that is removed under it',
    script: 'rm -r "$PWD"; touch here',
    outcome: { status: 'failed', errorCategory: 'not_found' },
  },
]

describe('the fault table', () => {
  test.each(faults)('$name', async ({ script, changes, outcome }) => {
    await using it = await TestExecutor.make()
    const cwd = join(it.cwd, 'inner')
    await mkdir(cwd)

    expect(await it.script(script, { cwd, ...changes })).toMatchObject(outcome)

    expect(isRunning(nap)).toBe(false)
    expect(livingWith(`CENTRALPOST_HUB=${it.options.marker}`)).toEqual([])
  })

  test('a program that is not there, one that may not be executed, and a folder that is gone, without a shell', async () => {
    await using it = await TestExecutor.make()
    const cwd = join(it.cwd, 'inner')
    await mkdir(cwd)
    expect(await it.argv(['centralpost-no-such-program'])).toMatchObject({
      exitCode: 127,
      errorCategory: 'not_found',
    })
    expect(await it.argv(['/etc/passwd'])).toMatchObject({
      exitCode: 126,
      errorCategory: 'permission',
    })
    await rm(cwd, { recursive: true })
    expect(await it.argv(['true'], { cwd })).toMatchObject({
      status: 'failed',
      errorCategory: 'not_found',
    })
  })

  test('two gigabytes of stderr: ended at the output limit, what came until then is kept', async () => {
    await using it = await TestExecutor.make()
    const limit = it.options.maxOutputBytes

    const outcome = await it.script('head -c 2G /dev/zero >&2', { timeoutMs: 60_000 })

    expect(outcome).toMatchObject({
      status: 'failed',
      errorCategory: 'output_limit',
      stdout: { bytes: 0 },
      stderr: { bytes: limit },
      truncated: true,
    })
    const last = await it.executor.readOutput(outcome.outputRef ?? '', 'stderr', limit - 10, 100)
    expect(last).toMatchObject({ total: limit, eof: true })
  }, 90_000)

  test('two hundred sleeps are cancelled at once: each says so, and none is left', async () => {
    await using it = await TestExecutor.make()
    const cancelling = new AbortController()
    let started = 0
    const onStart = () => {
      started += 1
    }
    const runs = Array.from({ length: 200 }, (_, index) =>
      it.script(
        index % 2 === 0 ? `exec ${nap}` : `${nap} & ${nap}`,
        { actionId: `action-${index}`, timeoutMs: 300_000 },
        { signal: cancelling.signal, onStart },
      ),
    )
    await eventually(() => started === 200, 30_000)

    cancelling.abort('enough')
    const outcomes = await Promise.all(runs)

    const seen = new Set(outcomes.map((one) => `${one.status} ${one.errorCategory} ${one.reason}`))
    expect(seen).toEqual(new Set(['cancelled cancelled enough']))
    expect(isRunning(nap)).toBe(false)
    expect(await it.argv(['echo', 'next'])).toMatchObject({ stdout: { text: 'next\n' } })
  }, 90_000)
})

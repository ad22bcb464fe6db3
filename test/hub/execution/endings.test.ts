import { join } from 'node:path'
import { readdirSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import { executorOptionsSchema } from '#hub/execution/index.ts'
import { eventually } from '../../support/eventually.ts'
import { isRunning, livingWith, TestExecutor } from './executor-fixture.ts'

const make = TestExecutor.make

/** A sleep that no other test uses, so that it can be looked for. */
let naps = 1000
const nap = () => `sleep ${(naps += 1)}.${process.pid}`

describe('an ordinary end', () => {
  test('a program that exits 0 is completed, with its output apart', async () => {
    await using it = await make()

    const outcome = await it.script('echo out; echo err >&2')

    expect(outcome).toMatchObject({
      status: 'completed',
      exitCode: 0,
      signal: null,
      success: true,
      stdout: { text: 'out\n', bytes: 4 },
      stderr: { text: 'err\n', bytes: 4 },
      truncated: false,
      outputRef: null,
      errorCategory: null,
      cwd: it.cwd,
      venvActive: false,
      warnings: [],
      reason: null,
    })
    expect(outcome.durationMs).toBeGreaterThan(0)
  })

  test('an argument list reaches the program as it is, without a shell', async () => {
    await using it = await make()

    const outcome = await it.argv(['printf', '%s|', '$HOME', 'a b', '; echo x', "it's", ''])

    expect(outcome.stdout.text).toBe("$HOME|a b|; echo x|it's||")
  })

  test('a script is run by bash without its start-up files', async () => {
    await using it = await make()
    await writeFile(join(it.cwd, '.bashrc'), 'echo from-rc')

    const outcome = await it.script(
      '[[ -n $BASH_VERSION ]] && shopt -q login_shell || echo plain',
      {
        env: {},
      },
    )

    expect(outcome.stdout.text).toBe('plain\n')
  })

  test('a non-zero exit is failed and keeps its code', async () => {
    await using it = await make()

    expect(await it.script('exit 3')).toMatchObject({
      status: 'failed',
      exitCode: 3,
      success: false,
      errorCategory: 'runtime',
      reason: null,
    })
  })

  test.each(['SIGSEGV', 'SIGTERM', 'SIGHUP'])('an end by %s says so', async (signal) => {
    await using it = await make()

    expect(await it.script(`kill -${signal.slice(3)} $$`)).toMatchObject({
      status: 'failed',
      exitCode: null,
      signal,
      errorCategory: 'runtime',
      reason: `ended by ${signal}`,
    })
  })

  test('a reader of stdin meets its end at once', async () => {
    await using it = await make()

    const outcome = await it.argv(['cat'])

    expect(outcome).toMatchObject({ status: 'completed', stdout: { text: '' } })
    expect(outcome.durationMs).toBeLessThan(5000)
  })

  test('no terminal is there', async () => {
    await using it = await make()

    const outcome = await it.script('test -t 0 -o -t 1 -o -t 2; echo $?; echo x > /dev/tty')

    expect(outcome.stdout.text).toBe('1\n')
    expect(outcome.stderr.text).toContain('/dev/tty')
  })

  test('stdout and stderr can be opened again by name', async () => {
    await using it = await make()

    const outcome = await it.script('echo a > /dev/stderr; echo b | tee /dev/stderr > /dev/stdout')

    expect(outcome).toMatchObject({ stdout: { text: 'b\n' }, stderr: { text: 'a\nb\n' } })
  })

  test('files are private to their owner, and the mask of this process stays', async () => {
    await using it = await make()
    const before = process.umask()

    const outcome = await it.script('touch f; stat -c %a f')

    expect(outcome.stdout.text).toBe('600\n')
    expect(process.umask()).toBe(before)
  })

  test('every run leads a process group and session of its own', async () => {
    await using it = await make()
    let pid = 0

    const outcome = await it.script(
      'read -r _ _ _ _ pgrp sid _ < /proc/$$/stat; echo $pgrp $sid',
      {},
      {
        onStart: (started) => {
          pid = started
        },
      },
    )

    expect(outcome.stdout.text).toBe(`${pid} ${pid}\n`)
  })
})

describe('a start that fails', () => {
  test('a missing program is not found', async () => {
    await using it = await make()

    const outcome = await it.argv(['no-such-program'])

    expect(outcome).toMatchObject({ status: 'failed', exitCode: 127, errorCategory: 'not_found' })
    expect(outcome.reason).toContain('program "no-such-program" is not in any folder of PATH')
  })

  test('a program in the working folder is not taken for one on PATH', async () => {
    await using it = await make()
    await writeFile(join(it.cwd, 'mytool'), '#!/bin/sh\necho mine', { mode: 0o755 })

    expect(await it.argv(['mytool'])).toMatchObject({ exitCode: 127 })
    expect(await it.argv(['./mytool'])).toMatchObject({ stdout: { text: 'mine\n' } })
  })

  test('a file that may not be executed is a matter of permission', async () => {
    await using it = await make()
    await writeFile(join(it.cwd, 'tool'), '#!/bin/sh\n', { mode: 0o644 })

    const outcome = await it.argv(['./tool'])

    expect(outcome).toMatchObject({ status: 'failed', exitCode: 126, errorCategory: 'permission' })
    expect(outcome.reason).toContain(join(it.cwd, 'tool'))
  })

  test('a program whose interpreter is missing is not found', async () => {
    await using it = await make()
    await writeFile(join(it.cwd, 'tool'), '#!/no/such/interpreter\n', { mode: 0o755 })

    const outcome = await it.argv(['./tool'])

    expect(outcome).toMatchObject({ exitCode: 127, errorCategory: 'not_found' })
    expect(outcome.reason).toContain('interpreter')
  })

  test('an argument that is too long is a matter of resources', async () => {
    await using it = await make()

    const outcome = await it.argv(['echo', 'x'.repeat(300_000)])

    expect(outcome).toMatchObject({ status: 'failed', errorCategory: 'resource' })
    expect(outcome.reason).toContain('E2BIG')
  })

  test.each([
    [['echo', 'a\0b'], 'runtime'],
    [['a\0b'], 'not_found'],
    [[''], 'not_found'],
    [['..'], 'not_found'],
    [['/'], 'permission'],
  ])('words that no system call takes start nothing: %j is %s', async (argv, errorCategory) => {
    await using it = await make()

    expect(await it.argv(argv)).toMatchObject({ status: 'failed', errorCategory })
  })

  test('a folder that was removed before the start is named', async () => {
    await using it = await make()
    await rm(it.cwd, { recursive: true })

    const outcome = await it.argv(['true'])

    expect(outcome).toMatchObject({ status: 'failed', errorCategory: 'not_found' })
    expect(outcome.reason).toContain(it.cwd)
  })

  test('a folder that is removed under the command is its own failure', async () => {
    await using it = await make()

    const outcome = await it.script('rmdir "$PWD"; cat file-in-it')

    expect(outcome).toMatchObject({ status: 'failed', exitCode: 1, errorCategory: 'not_found' })
  })
})

test('a listener of the start that throws harms nothing', async () => {
  await using it = await make()
  let calls = 0
  const onStart = (pid: number) => {
    calls += 1
    throw new Error(`broke at ${pid > 0}`)
  }

  expect(await it.script('echo fine', {}, { onStart })).toMatchObject({ status: 'completed' })
  expect(calls).toBe(1)
  expect(it.warned.map(({ fields }) => fields['error'])).toEqual(['broke at true'])
})

test('many runs, good and bad, leave no file descriptor open, here or in their runner', async () => {
  await using it = await make({ inlineBytes: 1024 })
  await runGoodAndBad(it)
  const before = openDescriptors(it)

  await runGoodAndBad(it)

  expect(await eventually(() => openDescriptors(it) <= before)).toBe(true)
})

describe('timeout', () => {
  test('a command that takes too long is ended', async () => {
    await using it = await make()

    const outcome = await it.argv(['sleep', '1000'], { timeoutMs: 200 })

    expect(outcome).toMatchObject({
      status: 'timed_out',
      exitCode: null,
      signal: 'SIGTERM',
      success: false,
      errorCategory: 'timeout',
      reason: 'timed out after 0.2 s',
    })
    expect(outcome.durationMs).toBeLessThan(3000)
  })

  test('what it wrote before is kept', async () => {
    await using it = await make()

    const outcome = await it.script('echo before; sleep 1000; echo after', { timeoutMs: 300 })

    expect(outcome).toMatchObject({ status: 'timed_out', stdout: { text: 'before\n' } })
  })

  test('a command that ignores SIGTERM is killed after the grace period', async () => {
    await using it = await make()
    const [one, two] = [nap(), nap()]

    const outcome = await it.script(`trap '' TERM; ${one}; ${two}; ${one}`, { timeoutMs: 200 })

    expect(outcome).toMatchObject({ status: 'timed_out', signal: 'SIGKILL' })
    expect(outcome.durationMs).toBeGreaterThan(450)
    expect([isRunning(one), isRunning(two)]).toEqual([false, false])
  })

  test('a command that stopped itself is ended as well', async () => {
    await using it = await make()

    expect(await it.script('kill -STOP $$', { timeoutMs: 200 })).toMatchObject({
      status: 'timed_out',
      signal: 'SIGTERM',
    })
  })

  test('a command that catches SIGTERM may clean up', async () => {
    await using it = await make()

    const outcome = await it.script(`trap 'echo cleaned; exit 0' TERM; sleep 1000 & wait`, {
      timeoutMs: 300,
    })

    expect(outcome).toMatchObject({
      status: 'timed_out',
      exitCode: 0,
      success: false,
      stdout: { text: 'cleaned\n' },
    })
  })

  test('a wish above the maximum is cut to it, and none is the default', async () => {
    await using it = await make({ defaultTimeoutMs: 150, maxTimeoutMs: 250 })

    expect(await it.argv(['sleep', '1000'], { timeoutMs: 99_000 })).toMatchObject({
      reason: 'timed out after 0.25 s',
    })
    expect(await it.argv(['sleep', '1000'], { timeoutMs: 0 })).toMatchObject({
      reason: 'timed out after 0.15 s',
    })
  })

  test('the defaults are those of the design', () => {
    expect(executorOptionsSchema.parse({})).toMatchObject({
      defaultTimeoutMs: 300_000,
      maxTimeoutMs: 600_000,
      maxOutputBytes: 104_857_600,
    })
  })
})

describe('cancel', () => {
  test('a running command is ended, and the outcome says by whom', async () => {
    await using it = await make()
    const cancelling = new AbortController()
    const onStart = () => cancelling.abort('cancelled by operator alice')

    const outcome = await it.argv(['sleep', '1000'], {}, { signal: cancelling.signal, onStart })

    expect(outcome).toMatchObject({
      status: 'cancelled',
      errorCategory: 'cancelled',
      signal: 'SIGTERM',
      reason: 'cancelled by operator alice',
    })
  })

  test('a command that was cancelled before its start is never started', async () => {
    await using it = await make()
    let started = false
    const onStart = () => {
      started = true
    }

    const outcome = await it.script('touch ran', {}, { signal: AbortSignal.abort(), onStart })

    expect(outcome).toMatchObject({ status: 'cancelled', exitCode: null, reason: 'cancelled' })
    expect(started).toBe(false)
    expect(await it.script('ls')).toMatchObject({ stdout: { text: '' } })
  })

  test('a command that is cancelled while its runner makes ready is not started either', async () => {
    await using it = await make(async (cwd) => {
      const slow = join(cwd, 'mkfifo')
      await writeFile(slow, '#!/bin/sh\nsleep 1\nexec /usr/bin/mkfifo "$@"\n', { mode: 0o755 })
      return { path: `${cwd}:/usr/bin:/bin` }
    })
    await it.executor.endSurvivors()
    const cancelling = new AbortController()
    let starts = 0
    const onStart = () => {
      starts += 1
    }
    const running = it.script('echo ran', {}, { signal: cancelling.signal, onStart })
    setTimeout(() => cancelling.abort('enough'), 200)

    expect(await running).toMatchObject({ status: 'cancelled', reason: 'enough', exitCode: null })
    expect(starts).toBe(0)
    expect(await it.script('echo next')).toMatchObject({ stdout: { text: 'next\n' } })
  })

  test('the first reason stands: a timeout during the grace period of a cancel changes nothing', async () => {
    await using it = await make()
    const cancelling = new AbortController()
    const onStart = () => cancelling.abort('first')

    const outcome = await it.script(
      `trap '' TERM; ${nap()}; ${nap()}`,
      { timeoutMs: 100 },
      { signal: cancelling.signal, onStart },
    )

    expect(outcome).toMatchObject({ status: 'cancelled', reason: 'first' })
  })

  test('a cancel after the end changes nothing', async () => {
    await using it = await make()
    const cancelling = new AbortController()

    const outcome = await it.argv(['true'], {}, { signal: cancelling.signal })
    cancelling.abort()

    expect(outcome).toMatchObject({ status: 'completed' })
  })

  test('a hundred running commands are cancelled at once', async () => {
    await using it = await make()
    const cancelling = new AbortController()
    let started = 0
    const onStart = () => {
      started += 1
    }
    const runs = Array.from({ length: 100 }, (_, index) =>
      it.argv(
        ['sleep', '1000'],
        { actionId: `action-${index}` },
        { signal: cancelling.signal, onStart },
      ),
    )
    await eventually(() => started === 100, 15_000)
    const begun = performance.now()

    cancelling.abort('enough')
    const outcomes = await Promise.all(runs)

    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['cancelled']))
    expect(performance.now() - begun).toBeLessThan(5000)
    expect(livingWith(`CENTRALPOST_HUB=${it.options.marker}`)).toEqual([])
  }, 30_000)

  test('stopping the executor interrupts what runs and starts nothing more', async () => {
    await using it = await make()
    const started = Promise.withResolvers<number>()
    const running = it.argv(['sleep', '1000'], {}, { onStart: started.resolve })
    await started.promise

    await it.executor.stop()

    expect(await running).toMatchObject({ status: 'interrupted', errorCategory: 'interrupted' })
    expect(await it.argv(['true'])).toMatchObject({ status: 'interrupted', exitCode: null })
    await it.executor.stop()
  })
})

describe('nothing outlives its action', () => {
  test('a background child that holds the pipes does not delay the outcome and is ended', async () => {
    await using it = await make()
    const child = nap()

    const outcome = await it.script(`${child} & echo started`)

    expect(outcome).toMatchObject({ status: 'completed', stdout: { text: 'started\n' } })
    expect(outcome.durationMs).toBeLessThan(3000)
    expect(isRunning(child)).toBe(false)
    expect(outcome.warnings.join()).toContain('1 of its processes outlived the command')
    expect(outcome.warnings.join()).toContain('sleep')
  })

  test('a background child that let go of the pipes is ended', async () => {
    await using it = await make()
    const child = nap()

    const outcome = await it.script(`${child} >/dev/null 2>&1 & echo done`)

    expect(outcome).toMatchObject({ status: 'completed', stdout: { text: 'done\n' } })
    expect(isRunning(child)).toBe(false)
  })

  test.each(['completed', 'timed_out', 'cancelled'])(
    'a double fork with setsid is ended when its command is %s',
    async (status) => {
      await using it = await make()
      const [one, two] = [nap(), nap()]
      const cancelling = new AbortController()
      const end = status === 'completed' ? 'true' : 'sleep 1000'
      const script = `(setsid bash -c '${one} & ${two}' >/dev/null 2>&1 &); sleep 0.1; echo up; ${end}`

      const outcome = await it.script(
        script,
        { timeoutMs: status === 'timed_out' ? 500 : 10_000 },
        {
          signal: cancelling.signal,
          onOutput: () => {
            if (status === 'cancelled') cancelling.abort()
          },
        },
      )

      expect(outcome.status).toBe(status)
      expect([isRunning(one), isRunning(two)]).toEqual([false, false])
    },
  )

  test('a child that left group and session and cleared its environment is found by its pipe', async () => {
    await using it = await make()
    const child = nap()

    const outcome = await it.script(`env -i setsid ${child} & sleep 0.05; echo done`)

    expect(outcome).toMatchObject({ status: 'completed', stdout: { text: 'done\n' } })
    expect(isRunning(child)).toBe(false)
  })

  test('a child that cleared its environment is ended with the parent it still has', async () => {
    await using it = await make()
    const child = nap()

    const outcome = await it.script(`env -i setsid -w ${child} >/dev/null 2>&1; true`, {
      timeoutMs: 300,
    })

    expect(outcome.status).toBe('timed_out')
    expect(isRunning(child)).toBe(false)
  })

  test('a child that ignores SIGTERM and was left behind is killed', async () => {
    await using it = await make()

    const outcome = await it.script(
      `(trap '' TERM; ${nap()}; ${nap()}) >/dev/null 2>&1 & echo done`,
    )

    expect(outcome).toMatchObject({ status: 'completed', stdout: { text: 'done\n' } })
    expect(outcome.durationMs).toBeLessThan(3000)
  })

  test('a process that forks on and on without ever staying is caught', async () => {
    await using it = await make()
    await writeFile(
      join(it.cwd, 'hop'),
      '#!/bin/sh\nsleep 0.002\nsetsid ./hop >/dev/null 2>&1 &\n',
      {
        mode: 0o755,
      },
    )

    const outcome = await it.script('./hop; sleep 0.2; echo done')

    expect(outcome).toMatchObject({ status: 'completed', stdout: { text: 'done\n' } })
    expect(livingWith(`CENTRALPOST_HUB=${it.options.marker}`)).toEqual([])
  })

  test('a command that closes its pipes is still waited for', async () => {
    await using it = await make()

    const outcome = await it.script('echo out; exec >&- 2>&-; sleep 0.4; exit 7')

    expect(outcome).toMatchObject({ exitCode: 7, stdout: { text: 'out\n' } })
    expect(outcome.durationMs).toBeGreaterThan(390)
  })

  test('what a process substitution still writes after the end is not lost', async () => {
    await using it = await make()

    expect(await it.script('echo text > >(sleep 0.03; cat)')).toMatchObject({
      status: 'completed',
      stdout: { text: 'text\n' },
      warnings: [],
    })
  })

  test('a run does not touch the processes of another', async () => {
    await using it = await make()
    await using other = await make()
    const started = Promise.withResolvers<number>()
    const long = it.script(`${nap()} & sleep 0.7; echo long`, {}, { onStart: started.resolve })
    await started.promise

    const twin = await it.script('sleep 1000 & sleep 0.05; echo twin')
    const foreign = await other.argv(['sleep', '1000'], { timeoutMs: 100 })

    expect(twin.stdout.text).toBe('twin\n')
    expect(foreign.status).toBe('timed_out')
    expect(await long).toMatchObject({ status: 'completed', stdout: { text: 'long\n' } })
  })
})

/** Of this process and of its runner, but for the pipes that lie ready there, which are open at no end. */
function openDescriptors(it: TestExecutor): number {
  const pids = [process.pid, ...it.executor.runnerPids]
  return pids.reduce((sum, pid) => sum + openEnds(`/proc/${pid}/fdinfo`), 0)
}

/** O_PATH: it names a file and is no end of it. */
const onlyAsPath = 0o10_000_000

function openEnds(folder: string): number {
  return readdirSync(folder).filter((fd) => {
    try {
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(join(folder, fd), 'latin1'))?.[1] ?? ''
      return (Number.parseInt(flags, 8) & onlyAsPath) === 0
    } catch {
      return false
    }
  }).length
}

async function runGoodAndBad(it: TestExecutor): Promise<void> {
  const runs = Array.from({ length: 8 }, () => [
    it.argv(['echo', 'x']),
    it.script('seq 2000; sleep 1000', { timeoutMs: 300 }),
    it.script('sleep 1000 & exit 3'),
    it.argv(['no-such-program']),
    it.argv(['echo', 'x'.repeat(300_000)]),
    it.argv(['echo', 'a\0b']),
  ])
  await Promise.all(runs.flat())
}

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { isRunning, livingWith, TestExecutor } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { Program } from '../support/program.ts'

// Unconfined commands run as the user that their runner runs as: what they can do to it, they can. What must hold is that
// each run has its one outcome, that nothing outlives it, and that the hub goes on.

const runnerOf = (it: TestExecutor): Promise<number> => eventually(() => it.executor.runnerPids[0])

describe('a command that turns on its runner', () => {
  test('by killing it leaves nothing alive, also without the marks in its environment', async () => {
    await using it = await TestExecutor.make()
    const nap = `sleep 2003.${process.pid}`
    const other = it.script('sleep 100')
    await eventually(() => livingWith(`CENTRALPOST_HUB=${it.options.marker}`).length > 0)

    const killer = it.argv(['env', '-i', 'sh', '-c', `sleep 0.3; kill -9 $PPID; ${nap} & ${nap}`])

    expect(await killer).toMatchObject({ status: 'interrupted' })
    expect(await other).toMatchObject({ status: 'interrupted' })
    expect(isRunning(nap)).toBe(false)
    expect(await it.script('echo next')).toMatchObject({ stdout: { text: 'next\n' } })
  })

  test('by stopping it has it replaced: no run is without its end, and the next command runs', async () => {
    await using it = await TestExecutor.make({ runnerSilenceMs: 3000 })
    const nap = `sleep 2004.${process.pid}`
    const other = it.script(nap, { timeoutMs: 500 })
    const stopper = it.script(`sleep 0.2; kill -STOP $PPID; ${nap}`)
    await eventually(async () => /State:\s+T/.test(statusOf(await runnerOf(it))))

    expect(await stopper).toMatchObject({ status: 'interrupted' })
    expect(await other).toMatchObject({ status: 'interrupted' })
    expect(isRunning(nap)).toBe(false)
    expect(await it.script('echo next')).toMatchObject({ stdout: { text: 'next\n' } })
  }, 40_000)

  test('by stopping it does not keep the executor from stopping', async () => {
    await using it = await TestExecutor.make({ runnerSilenceMs: 3000 })
    const stopper = it.script('kill -STOP $PPID; sleep 100')
    await eventually(async () => /State:\s+T/.test(statusOf(await runnerOf(it))))

    await it.executor.stop()

    expect(await stopper).toMatchObject({ status: 'interrupted' })
    expect(livingWith(`CENTRALPOST_HUB=${it.options.marker}`)).toEqual([])
  }, 40_000)

  test('by signalling every process of the group, session and hub name it knows reaches nobody else', async () => {
    await using it = await TestExecutor.make()
    const other = it.script('sleep 1; echo unharmed')
    expect(await it.script('kill -TERM 0; sleep 5')).toMatchObject({ signal: 'SIGTERM' })
    expect(await other).toMatchObject({ status: 'completed', stdout: { text: 'unharmed\n' } })
  })

  test('finds neither its descriptors nor those that the hub was started with in what it inherits', async () => {
    await using it = await TestExecutor.make()
    const secret = join(it.cwd, 'secret')
    await writeFile(secret, 'hush')
    const program = join(import.meta.dirname, '..', 'programs', 'runs-a-script.ts')
    const begin = ['-c', `exec 27<"${secret}"; exec "$@"`, 'bash', process.execPath, program]
    const args = [it.cwd, it.options.marker, '10000', 'ls -l /proc/self/fd; env; cat <&27']
    const { stdout } = await promisify(execFile)('bash', [...begin, ...args])
    expect(stdout).toMatch(/ 1 -> .*centralpost-pipes/)
    expect(stdout).not.toMatch(/socket:|anon_inode|hush|-> [^ ]*secret|NODE_CHANNEL|RUNNER_OF/)
  })

  test('does not speak to the hub in its name by way of /proc: no socket is opened by its name', async () => {
    await using it = await TestExecutor.make()
    await it.argv(['true'])
    const runner = await runnerOf(it)
    const sockets = readdirSync(`/proc/${runner}/fd`).filter((fd) =>
      readlinkSync(`/proc/${runner}/fd/${fd}`).startsWith('socket:'),
    )
    expect(sockets.length).toBeGreaterThan(0)
    const lie = JSON.stringify({ kind: 'log', level: 'error', message: 'a lie', fields: {} })
    for (const fd of sockets) {
      const said = await it.script(`printf '%s\\n' '${lie}' > /proc/$PPID/fd/${fd}`)
      expect(said).toMatchObject({ exitCode: 1, success: false })
    }
    expect(it.warned).toEqual([])
    expect(await it.script('echo fine')).toMatchObject({ stdout: { text: 'fine\n' } })
  })

  test('by flooding both streams, and fifty others too, delays no end and no cancel', async () => {
    await using it = await TestExecutor.make()
    const cancel = new AbortController()
    const floods = Array.from({ length: 4 }, () =>
      it.script('yes & yes >&2', {}, { signal: cancel.signal, onOutput: () => {} }),
    )
    const others = await Promise.all(
      Array.from({ length: 50 }, (_, n) => it.argv(['echo', String(n)])),
    )
    expect(others.map(({ stdout }) => stdout.text)).toEqual(
      Array.from({ length: 50 }, (_, n) => `${n}\n`),
    )
    cancel.abort('enough')
    for (const flood of await Promise.all(floods)) {
      expect(['cancelled', 'failed']).toContain(flood.status)
      expect(['cancelled', 'output_limit']).toContain(flood.errorCategory)
    }
  }, 60_000)
})

test('a runner that was stopped when its hub was killed is ended by the next hub, with what it runs', async () => {
  await using it = await TestExecutor.make()
  const nap = `sleep 2005.${process.pid}`
  const { marker } = it.options
  await using hub = new Program('executor-that-dies.ts', [marker, join(it.cwd, 'spool'), nap])
  await eventually(() => hub.stdout.includes('all up'))
  const runner = Number(/runners (\d+)/.exec(hub.stdout)?.[1])
  process.kill(runner, 'SIGSTOP')
  hub.child.kill('SIGKILL')
  await hub.ended
  await delay(100)
  expect(isAlive(runner)).toBe(true)

  const survivors = await it.executor.endSurvivors()

  expect(isAlive(runner)).toBe(false)
  expect(isRunning(nap)).toBe(false)
  expect(survivors.map(({ pid }) => pid)).toContain(runner)
  expect(await it.script('echo mine')).toMatchObject({ stdout: { text: 'mine\n' } })
}, 40_000)

/** Not also one whose end nobody has collected yet. */
function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/State:\s+Z/.test(statusOf(pid))
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8')
}

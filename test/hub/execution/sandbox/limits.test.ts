import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { ExecutorOptions, ResourceLimits } from '#hub/execution/index.ts'
import { closeControlGroups, findControlGroups } from '#hub/execution/sandbox/control-groups.ts'
import { unkept } from '#hub/execution/sandbox/limits.ts'
import type { Profile } from '#hub/execution/sandbox/profiles.ts'
import { TestExecutor } from '../executor-fixture.ts'
import { Confined, describeConfined } from './confined.ts'

const MiB = 1024 * 1024
const isRoot = process.getuid?.() === 0

/** Groups of a name of their own, which go with the test. */
function grouped(limits: ResourceLimits) {
  const groups = findControlGroups(`centralpost-test-${process.pid}`, limits)
  const options: Partial<ExecutorOptions> = { limits, groups }
  return { groups, options, [Symbol.asyncDispose]: () => closeControlGroups(groups) }
}

/** Forks until it is refused: 60 children at most, which end by themselves after three seconds. */
const forks = `python3 -c '
import os, time
made = 0
for _ in range(60):
    try:
        pid = os.fork()
    except OSError as error:
        print("refused after", made, error.strerror)
        break
    if pid == 0:
        time.sleep(3)
        os._exit(0)
    made += 1
print("made", made)'`

test('a file grows to its limit and no further', async () => {
  await using it = await TestExecutor.make({ limits: { fileSizeBytes: MiB } })
  expect(await it.script('head -c 3M /dev/zero > big; stat -c %s big')).toMatchObject({
    stdout: { text: `${MiB}\n` },
  })
  expect(await it.argv(['dd', 'if=/dev/zero', 'of=big', 'bs=1M', 'count=3'])).toMatchObject({
    status: 'failed',
    signal: 'SIGXFSZ',
    errorCategory: 'resource',
  })
})

test('processor time ends a command that burns it, and not one that sleeps', async () => {
  await using it = await TestExecutor.make({ limits: { cpuSeconds: 1 } })
  const ended = await it.argv(['sh', '-c', 'while :; do :; done'])
  expect(ended).toMatchObject({ signal: 'SIGXCPU', errorCategory: 'resource' })
  expect(await it.argv(['sleep', '1.3'])).toMatchObject({ status: 'completed' })
}, 30_000)

test('open descriptors are limited, and the command keeps its name', async () => {
  await using it = await TestExecutor.make({ limits: { openFiles: 32 } })
  expect((await it.script('ulimit -n; echo $0')).stdout.text).toBe('32\nbash\n')
  expect((await it.argv(['ls', 'nowhere'])).stderr.text).toMatch(/^ls: /)
})

test('a limit that this user may not set does not let the command start', async () => {
  const most = { openFiles: 2_000_000_000 }
  await using it = await TestExecutor.make({ limits: most })
  const ended = await it.argv(['echo', 'ran'])
  expect(ended).toMatchObject({ success: false, stdout: { text: '' } })
  expect(ended.stderr.text).toContain('open files')
})

test('memory is limited for the whole tree where groups can be made, else by process, which is said', async () => {
  const limits = { memoryBytes: 200 * MiB }
  await using its = grouped(limits)
  await using it = await TestExecutor.make(its.options)
  const hungry = `python3 -c 'x = bytearray(400 * 1024 * 1024); print("got it")'`
  const ended = await it.script(hungry)
  expect(ended).toMatchObject({ success: false, errorCategory: 'resource', stdout: { text: '' } })
  const isSaid = ended.warnings.some((warning) => warning.includes('address space'))
  expect(isSaid).toBe(!its.groups.holds.includes('memory'))
})

test('what cannot be applied is said plainly', () => {
  const said = unkept({ processes: 20, memoryBytes: 99 * MiB }, [], 'nothing is writable')
  expect(said).toEqual([
    expect.stringContaining(isRoot ? 'is not applied' : "counts all processes of the hub's user"),
    expect.stringContaining("applies to each process's address space"),
  ])
  expect(unkept({ processes: 20 }, ['processes'], '')).toEqual([])
})

describeConfined('in the sandbox', () => {
  test.each<Profile>(['none', 'ro-nonet'])(
    '%s: a small fork bomb is contained where its processes can be counted',
    async (profile) => {
      const limits = { processes: 20 }
      await using its = grouped(limits)
      await using it = await Confined.make(undefined, its.options)
      const ended = await it.script(`timeout 10 ${forks}`, profile)
      const made = Number(/refused after (\d+)/.exec(ended.stdout.text)?.[1] ?? 60)
      expect(made).toBeGreaterThan(5)
      // where nothing counts root's processes the result has to say it
      const isSaid = ended.warnings.some((warning) => warning.includes('the limit of 20 processes'))
      expect(isSaid).toBe(!its.groups.holds.includes('processes'))
      expect(made < 20 || isSaid).toBe(true)
      for (const { directory } of its.groups.places) {
        const left = readdirSync(directory, { withFileTypes: true }).filter((one) =>
          one.isDirectory(),
        )
        expect(left).toEqual([])
      }
    },
    30_000,
  )

  test('limits and exit codes pass through both', async () => {
    await using it = await Confined.make(undefined, {
      limits: { fileSizeBytes: MiB, cpuSeconds: 60 },
    })
    const ended = await it.script(
      'ulimit -f; ulimit -S -t; head -c 3M /dev/zero > big; stat -c %s big; exit 4',
      'rw-workspace-nonet',
    )
    expect(ended).toMatchObject({ exitCode: 4, stdout: { text: `1024\n60\n${MiB}\n` } })
    expect(await it.argv(['ls', 'nowhere'])).toMatchObject({
      exitCode: 2,
      stderr: { text: expect.stringMatching(/^ls: /) },
    })
  })
})

test('where root has control groups of its processes, they are used', async () => {
  const canBeCounted = isRoot && existsSync('/sys/fs/cgroup/pids/cgroup.procs')
  await using its = grouped({ processes: 20 })
  expect(its.groups.holds.includes('processes') || !canBeCounted).toBe(true)
})

test('a place where no group can be made is left as it was', () => {
  const its = grouped({ processes: 2_000_000_000 })
  expect(its.groups.holds).toEqual([])
  expect(existsSync(`/sys/fs/cgroup/pids/centralpost-test-${process.pid}`)).toBe(false)
})

test('groups go with the hub', async () => {
  const its = grouped({ processes: 20, memoryBytes: 99 * MiB })
  await closeControlGroups(its.groups)
  expect(its.groups.places.filter(({ directory }) => existsSync(join(directory, '.')))).toEqual([])
})

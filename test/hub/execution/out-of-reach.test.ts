import { execFile, execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmod, chown, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { TempDir } from '../../support/temp-dir.ts'
import { livingWith } from './executor-fixture.ts'

const program = join(import.meta.dirname, '..', '..', 'programs', 'runs-a-script.ts')
const nobody = { uid: 65_534, gid: 65_534 }
const becomeRoot = '$( = 0; $) = 0; $< = 0; $> = 0; sleep 1000'

/** Whether this test may hand a program to another user and give that user a way to become root. */
function mayTry(): boolean {
  try {
    const probe = `require('node:fs').accessSync(${JSON.stringify(program)})`
    execFileSync(process.execPath, ['--eval', probe], { ...nobody, stdio: 'ignore' })
    execFileSync('perl', ['-e', '0'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const testAsNobody = mayTry() ? test : test.skip

testAsNobody(
  'a process of another user, which the hub may not end, does not hold up the outcome',
  async () => {
    await using dir = await TempDir.make()
    // Nobody else may reach the shell below.
    await chown(dir.path, nobody.uid, nobody.gid)
    const shell = join(dir.path, 'shell-of-root')
    await copyFile('/bin/bash', shell)
    await chmod(shell, 0o4755)
    const script = `exec ./shell-of-root -p -c 'exec perl -e "${becomeRoot.replaceAll('$', String.raw`\$`)}"'`
    const marker = `test-${randomUUID()}`

    const args = [program, dir.path, marker, '500', script, `(${script}) & echo done`]
    const { stdout } = await promisify(execFile)(process.execPath, args, nobody)
    const left = livingWith(`CENTRALPOST_HUB=${marker}`)
    for (const pid of left) process.kill(pid, 'SIGKILL')

    expectReported(JSON.parse(stdout), left)
  },
  30_000,
)

testAsNobody(
  'one that goes on writing does not hold it up either, when its command has ended',
  async () => {
    await using dir = await TempDir.make()
    await chown(dir.path, nobody.uid, nobody.gid)
    const shell = join(dir.path, 'shell-of-root')
    await copyFile('/bin/bash', shell)
    await chmod(shell, 0o4755)
    const write = 'while (1) { syswrite STDOUT, 1; select undef, undef, undef, 0.3 }'
    const perl = becomeRoot.replace('sleep 1000', write).replaceAll('$', String.raw`\$`)
    const script = `./shell-of-root -p -c 'exec perl -e "${perl}"' & sleep 0.3; echo done`
    const marker = `test-${randomUUID()}`

    const args = [program, dir.path, marker, '500', script]
    const running = promisify(execFile)(process.execPath, args, nobody)
    const { stdout } = await running.finally(() => {
      for (const pid of livingWith(`CENTRALPOST_HUB=${marker}`)) process.kill(pid, 'SIGKILL')
    })

    expectLost(JSON.parse(stdout))
  },
  40_000,
)

function expectReported(outcomes: unknown, left: readonly number[]): void {
  expect(left).toHaveLength(2)
  const [first, second] = left.toSorted((a, b) => a - b).map(warning)
  expect(outcomes).toEqual([
    expect.objectContaining({
      status: 'timed_out',
      exitCode: null,
      warnings: expect.arrayContaining([first]),
    }),
    expect.objectContaining({
      status: 'completed',
      exitCode: 0,
      warnings: expect.arrayContaining([second]),
    }),
  ])
}

function expectLost(outcomes: unknown): void {
  const warnings = expect.arrayContaining([expect.stringContaining('still holds the output')])
  expect(outcomes).toEqual([expect.objectContaining({ status: 'completed', warnings })])
}

function warning(pid: number): string {
  return `these processes could not be ended and may still run: ${pid}`
}

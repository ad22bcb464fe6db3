import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { emptied, takeInit } from '#hub/execution/runner/pid-namespace.ts'

function told(text: string): number | null {
  const folder = mkdtempSync(join(tmpdir(), 'cp-info-'))
  try {
    const path = join(folder, 'info')
    execFileSync('mkfifo', [path])
    const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const writeFd = openSync(path, constants.O_WRONLY)
    if (text !== '') writeSync(writeFd, text)
    let given = 0
    const giveBack = () => {
      given += 1
    }
    const init = takeInit({ readFd, giveBack })
    closeSync(writeFd)
    expect(given).toBe(1)
    expect(() => closeSync(readFd)).toThrow('EBADF')
    return init
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the first process is the one that bubblewrap names', () => {
  expect(told('{\n    "child-pid": 4711,\n    "pid-namespace": 4026532177\n}\n')).toBe(4711)
})

test('no process where it named none, and the pipe is closed', () => {
  expect(told('')).toBeNull()
  expect(told('{"child-pid": 1}')).toBeNull()
  expect(told('{"child-pid": "x"}')).toBeNull()
})

test('it is empty when no child is left, and waited for no longer than that', async () => {
  const parent = spawn('bash', ['-c', 'sleep 0.3 & echo up; wait; read'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  await once(parent.stdout, 'data')
  const pid = parent.pid as number
  expect(await emptied(pid, 20)).toBe(false)
  expect(await emptied(pid, 10_000)).toBe(true)
  expect(parent.exitCode).toBeNull()
  parent.stdin.end()
  await once(parent, 'exit')
  expect(await emptied(pid, 1000)).toBe(true)
})

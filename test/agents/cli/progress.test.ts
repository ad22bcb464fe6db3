import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { hasPty } from '../../support/pty.ts'

const program = join(import.meta.dirname, '../../programs/takes-a-while.ts')
const run = promisify(execFile)
const onPty = hasPty ? describe : describe.skip

onPty('on a terminal', () => {
  test('long work says what it does, how far it is and for how long', async () => {
    const command = `'${process.execPath}' '${program}'`
    const { stdout } = await run('/usr/bin/script', ['-qec', command, '/dev/null'])
    expect(stdout).toMatch(
      /[-|/\\] counting, \d+ of 12 \(\d+ ms\)|[-|/\\] counting, \d+ of 12 \(1\.\d s\)/,
    )
    // the line is taken away before the outcome is printed
    expect(stdout.trimEnd().endsWith('\r\u001b[Kcounted')).toBe(true)
  })
})

test('a pipe gets nothing of it', async () => {
  const { stdout, stderr } = await run(process.execPath, [program])
  expect({ stdout, stderr }).toEqual({ stdout: 'counted\n', stderr: '' })
})

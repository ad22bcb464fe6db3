import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { TestHub } from '../../support/hub.ts'
import { hasPty } from '../../support/pty.ts'

const program = join(import.meta.dirname, '../../programs/takes-a-while.ts')
const bin = join(import.meta.dirname, '../../../agents/bin/centralpost.js')
const run = promisify(execFile)
const onPty = hasPty ? describe : describe.skip

onPty('on a terminal', () => {
  test('long work says what it does, how far it is and for how long', async () => {
    const command = `'${process.execPath}' '${program}'`
    const { stdout } = await run('/usr/bin/script', ['-qec', command, '/dev/null'])
    expect(stdout).toMatch(
      /[-|/\\] counting, \d+ of 12 \(\d+ ms\)|[-|/\\] counting, \d+ of 12 \(\d+\.\d s\)/,
    )
    // the line is taken away before the outcome is printed
    expect(stdout.trimEnd().endsWith('\r\u001b[Kcounted')).toBe(true)
  })
})

onPty('an export into a file', () => {
  test('says on the terminal that it goes on while the hub takes its time', async () => {
    await using it = await TestHub.start()
    // without a hub the first page is waited for
    await it.stopHub()
    const file = join(it.workspace, 'export.jsonl')
    const command = `'${process.execPath}' '${bin}' history export --as alice --data '${it.dataDir}' > '${file}'`
    const ended = await run('/usr/bin/script', ['-qec', command, '/dev/null']).catch(
      (error: { stdout: string; code: number }) => error,
    )
    expect(ended).toMatchObject({
      code: 69,
      stdout: expect.stringMatching(/[-|/\\] exporting \(\d+ ms|[-|/\\] exporting \(\d+\.\d s/),
    })
  }, 20_000)
})

test('a pipe gets nothing of it', async () => {
  const { stdout, stderr } = await run(process.execPath, [program])
  expect({ stdout, stderr }).toEqual({ stdout: 'counted\n', stderr: '' })
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { livingWith, TestExecutor } from '../hub/execution/executor-fixture.ts'

/**
 * Starts itself anew in a session of its own and ends, over and over: whenever it is looked for, chances are that it is
 * between two programs, where the kernel shows no environment and so no mark.
 */
const hop = '#!/bin/sh\nsleep 0.002\nsetsid ./hop >/dev/null 2>&1 &\n'

test('a process that is nearly always between two programs does not outlive its action', async () => {
  await using it = await TestExecutor.make()
  const mark = `CENTRALPOST_HUB=${it.options.marker}`
  await writeFile(join(it.cwd, 'hop'), hop, { mode: 0o755 })

  const outlived: number[] = []
  for (let run = 0; run < 30; run += 1) {
    await it.script('./hop; sleep 0.1')
    const left = livingWith(mark)
    if (left.length > 0) outlived.push(run)
    // what has escaped goes on under other pids
    for (let round = 0; left.length > 0 && round < 200; round += 1) {
      for (const pid of livingWith(mark)) killIfThere(pid)
    }
  }

  expect(outlived).toEqual([])
}, 60_000)

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has hopped on
  }
}

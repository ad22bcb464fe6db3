import { closeSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { silentLogger } from '@centralpost/shared'
import { FifoPool } from '#hub/execution/output/fifo-pool.ts'
import { HandedBytes } from '#hub/execution/handed-bytes.ts'
import { startProcess } from '#hub/execution/runner/run-process.ts'
import { filterFd } from '#hub/execution/sandbox/system-calls.ts'

/** As on a full disk. */
class NoFile extends HandedBytes {
  override open(): null {
    return null
  }
}

test('each descriptor reads all of it', () => {
  const handed = new HandedBytes(Buffer.from('all of it'))
  for (const fd of [handed.open(), handed.open()]) {
    expect(readFileSync(fd ?? -1, 'utf8')).toBe('all of it')
    closeSync(fd ?? -1)
  }
})

test.each([HandedBytes, NoFile])(
  'a process is given them, by a socket if need be: %p',
  async (Way) => {
    const pool = new FifoPool(silentLogger)
    const start = {
      file: '/bin/sh',
      argv0: 'sh',
      args: ['-c', `cat <&${filterFd}`],
      cwd: '/',
      env: {},
    }
    const filter = new Way(Buffer.from('bytes'))

    const started = await startProcess({ ...start, filter }, pool, () => true)

    const said: string[] = []
    if (started === null || 'fault' in started) throw new Error('it did not start')
    await started.stdout.read((bytes) => void said.push(bytes.toString()))
    await Promise.all([started.exit, started.stderr.read(() => undefined)])
    await pool.close()
    expect(said.join('')).toBe('bytes')
  },
)

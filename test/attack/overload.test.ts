import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Profile } from '#hub/execution/sandbox/profiles.ts'
import { isRunning } from '../hub/execution/executor-fixture.ts'
import { choice, Confined, describeConfined } from '../hub/execution/sandbox/confined.ts'

const MiB = 1024 * 1024

describeConfined('what nobody bounded', () => {
  test.each<Profile>(['none', 'ro-nonet', 'machine-processes'])(
    '%s: a program that calls itself is ended, and nothing of it is left',
    async (profile) => {
      await using it = await Confined.make(undefined, { limits: { watchedProcesses: 60 } })
      const nap = `4200.${process.pid}`
      // two of each, eight times over, would be 511 where nothing ended it
      await writeFile(
        join(it.cwd, 'self'),
        `[ "$1" -gt 8 ] && exec setsid env -i sleep ${nap}\nsh self $(($1 + 1)) & sh self $(($1 + 1)) & wait\n`,
      )
      const ended = await it.script('sh self 1', profile)
      expect(ended).toMatchObject({
        status: 'failed',
        errorCategory: 'resource',
        reason: expect.stringContaining('more than 60 processes'),
      })
      expect(isRunning(`sleep ${nap}`)).toBe(false)
    },
    60_000,
  )

  test.each(['ro-nonet', 'machine-processes', 'machine-files'] as const)(
    '%s: what it keeps in memory has an end',
    async (profile) => {
      await using it = await Confined.make(undefined, { limits: { temporaryBytes: 4 * MiB } })
      const places =
        profile !== 'machine-files' ? ['/tmp', '/var/tmp', '/dev/shm', '/run'] : ['/dev/shm']
      const fills = places.map(
        (place) => `head -c 9M /dev/zero > ${place}/fill; stat -c %s ${place}/fill`,
      )
      const { stdout, stderr } = await it.script(fills.join('; '), profile)
      expect(stdout.text.trim().split('\n').map(Number)).toEqual(places.map(() => 4 * MiB))
      expect(stderr.text).toContain('No space left')
    },
  )

  test('a command that never ends by itself does, and sooner than one that a person has cleared', async () => {
    await using it = await Confined.make(undefined, { unattendedTimeoutMs: 300 })
    const endless = (isUnattended: boolean) =>
      it.it.argv(['sleep', 'infinity'], {
        isUnattended,
        timeoutMs: 1500,
        confinement: choice('ro-nonet'),
      })
    const [safe, cleared] = await Promise.all([endless(true), endless(false)])
    expect(safe).toMatchObject({
      status: 'timed_out',
      reason: expect.stringContaining('execution.safe_timeout'),
    })
    expect(safe.durationMs).toBeLessThan(cleared.durationMs)
    expect(cleared).toMatchObject({ status: 'timed_out', reason: 'timed out after 1.5 s' })
  })
})

import { stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { silentLogger } from '@centralpost/shared'
import { type Bound, boundOf, differenceOf } from '../../../hub/src/approval/bound.ts'
import { TrustManager } from '../../../hub/src/trust/trust-manager.ts'
import { shippedRules } from '../../support/hub.ts'
import { TempDir } from '../../support/temp-dir.ts'

async function bind(command: string, cwd: string): Promise<Bound> {
  await using trust = await TrustManager.open({ rulesPath: shippedRules, log: silentLogger })
  const judgement = trust.judge(command, { cwd })
  expect(judgement.verdict.level).toBe('REVIEW')
  return boundOf(judgement, cwd, () => null, 'none')
}

test.each([10, 2_000_000])(
  'a script of %i bytes that was rewritten in place is not what was shown, whatever its times say',
  async (size) => {
    await using dir = await TempDir.make()
    const script = join(dir.path, 'bundle.js')
    await writeFile(script, 'a'.repeat(size))
    const { atime, mtime } = await stat(script)
    await utimes(script, atime, mtime)
    const shown = await bind('node bundle.js', dir.path)

    await writeFile(script, 'b'.repeat(size))
    await utimes(script, atime, mtime)

    const now = await bind('node bundle.js', dir.path)
    expect(differenceOf(shown, now)).toContain(`file ${script}`)
  },
)

test('what is not bound of a pattern that matches much is said', async () => {
  await using dir = await TempDir.make()
  const names = Array.from({ length: 65 }, (_, index) => join(dir.path, `step-${index}.sh`))
  for (const name of names.slice(1)) await writeFile(name, 'true')
  expect(await bind('bash *.sh', dir.path)).not.toHaveProperty('not bound')

  await writeFile(names[0] as string, 'true')

  expect(await bind('bash *.sh', dir.path)).toMatchObject({
    'not bound': 'what *.sh matches after the first 64',
  })
})

import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { DesktopNotifier } from '#agents/notify/desktop.ts'
import type { NoticeDelivery } from '#agents/notify/notice.ts'
import { askedFor } from '../../support/asked.ts'
import { eventually } from '../../support/eventually.ts'
import { TempDir } from '../../support/temp-dir.ts'

/** A real program of that name which writes down its arguments, one a line. */
async function program(folder: string, name: string, code = 0): Promise<NodeJS.ProcessEnv> {
  const log = join(folder, 'shown')
  const script = `#!/bin/sh\n{ for one; do printf '%s\\n' "$one"; done; echo --; } >> '${log}'\nexit ${code}\n`
  await writeFile(join(folder, name), script)
  await chmod(join(folder, name), 0o755)
  return { PATH: `${folder}:/usr/bin:/bin` }
}

test('an approval request is shown with notify-send; a command can be no markup and no option', async () => {
  await using dir = await TempDir.make()
  const env = await program(dir.path, 'notify-send')
  const told: NoticeDelivery[] = []
  await using desktop = new DesktopNotifier({
    env,
    platform: 'linux',
    told: (one) => told.push(one),
  })
  desktop.push(
    askedFor('--icon=x <b>bold</b> \u001b[31m', {
      risk: { level: 'high', score: 60, parts: [] },
    }),
  )
  await eventually(() => told.length === 1)
  expect(told).toMatchObject([{ to: 'desktop', isDelivered: true }])
  expect((await readFile(join(dir.path, 'shown'), 'utf8')).split('\n')).toEqual([
    '--app-name=CentralPost',
    '--urgency=critical',
    '--',
    'agent-a asks, at a high risk',
    String.raw`--icon=x &lt;b&gt;bold&lt;/b&gt; \x1b[31m`,
    '--',
    '',
  ])
})

test('many at once are told as one; what was decided before is not told', async () => {
  await using dir = await TempDir.make()
  const env = await program(dir.path, 'notify-send')
  const told: NoticeDelivery[] = []
  await using desktop = new DesktopNotifier({
    env,
    platform: 'linux',
    told: (one) => told.push(one),
  })
  const decided = askedFor('decided')
  desktop.push(decided)
  for (let nth = 0; nth < 10; nth += 1) desktop.push(askedFor(`true ${nth}`))
  desktop.drop(decided)
  await eventually(() => told.length === 10)
  const shown = await readFile(join(dir.path, 'shown'), 'utf8')
  expect(shown).toContain('10 actions wait for approval')
  expect(shown.match(/--app-name/g)).toHaveLength(1)
})

test('a program that fails is told as not delivered', async () => {
  await using dir = await TempDir.make()
  const env = await program(dir.path, 'notify-send', 1)
  const told: NoticeDelivery[] = []
  await using desktop = new DesktopNotifier({
    env,
    platform: 'linux',
    told: (one) => told.push(one),
  })
  desktop.push(askedFor('true'))
  await eventually(() => told.length === 1)
  expect(told).toMatchObject([{ isDelivered: false }])
})

test('on a Mac it is osascript, which gets the text as arguments and not as a script', async () => {
  await using dir = await TempDir.make()
  const env = await program(dir.path, 'osascript')
  const told: NoticeDelivery[] = []
  await using desktop = new DesktopNotifier({
    env,
    platform: 'darwin',
    told: (one) => told.push(one),
  })
  desktop.push(askedFor('echo "; do shell script'))
  await eventually(() => told.length === 1)
  expect(await readFile(join(dir.path, 'shown'), 'utf8')).toContain('\necho "; do shell script\n')
})

test('a machine without such a program is told how to get it', async () => {
  await using dir = await TempDir.make()
  expect(
    () => new DesktopNotifier({ env: { PATH: dir.path }, platform: 'linux', told: () => {} }),
  ).toThrow(/apt-get install libnotify-bin/)
})

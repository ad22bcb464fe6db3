import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { TestExecutor } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

// Places are swapped while commands wait and start: a directory, one above it, or a file becomes a link to elsewhere.

const unconfined = { execution: { sandbox: { mode: 'off' as const } } }

/** Exchanges two names again and again, both of them always there. */
const exchange = (one: string, other: string) =>
  `import ctypes
libc = ctypes.CDLL(None)
while True: libc.renameat2(-100, b"${one}", -100, b"${other}", 2)
`

test.each(['', '/deeper'])(
  'a command works in the very directory that it was cleared for (%s), or not at all, while the name is swapped for a link',
  async (below) => {
    await using it = await TestExecutor.make()
    const places = { place: join(it.cwd, 'place'), other: join(it.cwd, 'other') }
    for (const [name, path] of Object.entries(places)) {
      await mkdir(`${path}${below}`, { recursive: true })
      await writeFile(`${path}${below}/who`, name)
    }
    await symlink(places.other, join(it.cwd, 'link'))
    const stop = new AbortController()
    const swapping = it.argv(
      ['python3', '-c', exchange(places.place, join(it.cwd, 'link'))],
      { timeoutMs: 120_000 },
      { signal: stop.signal },
    )
    const seen = new Set<string>()
    const cwd = `${places.place}${below}`
    for (let round = 0; round < 300; round += 1) {
      const { stdout, reason } = await it.argv(['cat', 'who'], { cwd })
      seen.add(stdout.text || (reason ?? ''))
      if (round > 100 && seen.size > 1) break
    }
    stop.abort('enough')
    await swapping
    const refused = `not started: the folder "${cwd}" was cleared, and now leads to `
    expect([...seen].filter((text) => !text.startsWith(refused))).toEqual(['place'])
  },
  60_000,
)

test("a file that becomes a link to the hub's own data after it was read is not read again", async () => {
  await using it = await TestHub.start({ config: unconfined })
  const agent = await it.agent()
  const notes = join(it.workspace, 'notes.txt')
  await writeFile(notes, 'harmless')
  const read = async () => (await agent.requestAction('cat notes.txt')).result()
  expect(await read()).toMatchObject({ stdout: 'harmless' })

  await rm(notes)
  await symlink(it.databasePath, notes)

  expect(await read()).toMatchObject({ status: 'denied', stdout: '' })
})

test('nor when it becomes one while the command stands in line, nor where what it leads to comes later', async () => {
  await using it = await TestHub.start({
    config: { execution: { ...unconfined.execution, parallel: 1 } },
  })
  const agent = await it.agent()
  const notes = join(it.workspace, 'notes.txt')
  await writeFile(notes, 'harmless')
  const busy = await agent.requestAction('sleep 3')
  const reads = await Promise.all(
    ['cat notes.txt', 'head notes.txt'].map((command) => agent.requestAction(command)),
  )
  await eventually(
    async () => it.log.lines.filter(({ message }) => message === 'request taken in').length === 3,
  )

  await rm(notes)
  await symlink(join(it.dataDir, 'not-there-yet'), notes)
  await writeFile(join(it.dataDir, 'not-there-yet'), 'SECRET')

  for (const asked of reads) {
    const { status, reason, stdout } = await asked.result()
    expect([status, stdout]).toEqual(['denied', ''])
    expect(reason).toContain('a path that it names leads elsewhere since it was cleared')
  }
  expect(await busy.result()).toMatchObject({ status: 'completed' })
})

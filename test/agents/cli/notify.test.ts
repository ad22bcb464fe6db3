import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { HttpServer } from '../../support/http-server.ts'
import { TestHub } from '../../support/hub.ts'
import { TempDir } from '../../support/temp-dir.ts'
import { Cli, cli } from './run-cli.ts'

test('a webhook and a desktop are told of what waits, also after a restart of the broker', async () => {
  await using it = await TestHub.start()
  await using dir = await TempDir.make()
  await using server = await HttpServer.start()
  const shown = join(dir.path, 'shown')
  await writeFile(join(dir.path, 'notify-send'), `#!/bin/sh\necho "$@" >> '${shown}'\n`)
  await chmod(join(dir.path, 'notify-send'), 0o755)
  const agent = await it.agent()
  await agent.requestAction({ command: 'touch before', cwd: it.workspace })
  await using notify = new Cli(['notify', '--desktop', '--json'], {
    env: {
      CENTRALPOST_DATA: it.dataDir,
      CENTRALPOST_OPERATOR: 'alice',
      CENTRALPOST_WEBHOOK: server.url,
      CENTRALPOST_WEBHOOK_SECRET: 'key',
      PATH: `${dir.path}:${process.env['PATH'] ?? ''}`,
    },
  })
  await eventually(() => server.posted.length === 1)
  await it.broker.kill9()
  await it.broker.isBack()
  await eventually(() => notify.stderr.includes('the hub answers again'))
  await agent.requestAction({ command: 'touch after', cwd: it.workspace })
  await eventually(() => server.posted.length === 2)
  expect(
    server.posted.map(({ body }) => (JSON.parse(body) as { command: string }).command),
  ).toEqual(['touch before', 'touch after'])
  expect(server.posted[0]?.headers['x-centralpost-signature']).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/)
  await eventually(async () => (await readFile(shown, 'utf8')).includes('touch after'))
  await eventually(() => notify.stdout.trim().split('\n').length === 4)
  const told = notify.stdout.trim().split('\n')
  expect(JSON.parse(told[0] ?? '')).toMatchObject({ delivered: true, agent_id: 'agent-a' })
  notify.kill('SIGTERM')
  expect((await notify.ended).code).toBe(0)
})

test.each([
  ['nobody to tell', [], 64, 'name a destination'],
  ['an address that is none', ['--webhook', 'nowhere'], 64, 'is not an http or https address'],
])('%s is refused with the way out', async (_, args, code, text) => {
  const ended = await cli(['notify', ...args])
  expect(ended.stderr).toContain(text)
  expect(ended.code).toBe(code)
})

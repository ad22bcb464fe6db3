import { expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { TempDir } from '../../support/temp-dir.ts'
import { Cli, cli } from './run-cli.ts'

const hook = `
  import module from 'node:module'
  const heavy = /node_modules\\/(@opentelemetry|prom-client|string-width|better-sqlite3|kysely)\\//
  module.registerHooks({ load(url, context, next) {
    const found = heavy.exec(url)
    if (found) process.stderr.write('loaded ' + found[1] + '\\n')
    return next(url, context)
  } })`
const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` }

test.each([
  [['--help']],
  [['pending', '--help']],
  [['completion', 'bash']],
  [['__complete', '--', 'ap']],
])('%s loads nothing that it does not need', async (args) => {
  const { code, stderr } = await cli(args, { env })
  expect(code).toBe(0)
  expect(stderr).not.toContain('loaded')
})

test('a hub without metrics and traces loads nothing for them', async () => {
  await using dir = await TempDir.make()
  await using hub = new Cli(['hub', '--data', dir.path], { env, cwd: dir.path })
  await eventually(() => hub.stdout.includes('serves on'))
  expect(hub.stderr).toContain('loaded better-sqlite3')
  expect(hub.stderr).not.toMatch(/loaded (@opentelemetry|prom-client)/)
  hub.kill('SIGTERM')
  await hub.ended
})

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { silentLogger } from '@centralpost/shared'
import { brokerConfig } from '#hub/broker/broker-config.ts'
import { CredentialStore } from '#hub/broker/credentials.ts'
import { writePrivateFile } from '#shared/machine/private-files.ts'
import { findNatsServer } from '#hub/broker/find-nats-server.ts'
import { TempDir } from '../../support/temp-dir.ts'

const run = promisify(execFile)

test.each([
  ['nobody', [], []],
  ['many', ['a', 'HUB', '-', '0', 'true', '1k', 'x'.repeat(64)], ['a', 'HUB', '0']],
])('nats-server accepts the configuration for %s', async (_who, agents, operators) => {
  await using dir = await TempDir.make()
  const store = await CredentialStore.open(dir.path)
  for (const name of agents) await store.add('agent', name)
  for (const name of operators) await store.add('operator', name)

  const settings = { host: '127.0.0.1', port: 4222, storeDir: join(dir.path, 'a "store" \\ $HOME') }
  const text = brokerConfig(await store.all(), { ...settings, httpPort: 8222 })

  expect(await accepts(dir.path, text)).toContain('configuration file')
})

test('a configuration has no authorization block, and no port for monitoring unless one is named', async () => {
  await using dir = await TempDir.make()
  const store = await CredentialStore.open(dir.path)
  await store.add('agent', 'agent-a')

  const text = brokerConfig(await store.all(), {
    host: '127.0.0.1',
    port: 4222,
    storeDir: '/store',
  })

  expect(text).not.toMatch(/^\s*authorization/m)
  expect(text).not.toMatch(/^\s*https?:/m)
  expect(text).toMatch(/^host: "127\.0\.0\.1"$/m)
  expect(text).toMatch(/^max_payload: 1048576$/m)
})

/** What `nats-server -t` says of a configuration; rejects when it is refused. */
async function accepts(folder: string, text: string): Promise<string> {
  const { path } = await findNatsServer({ log: silentLogger })
  const file = join(folder, 'nats-server.conf')
  await writePrivateFile(file, text)
  const { stdout, stderr } = await run(path, ['-t', '-c', file])
  return stdout + stderr
}

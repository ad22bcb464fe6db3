import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { busCredentialsSchema } from '@centralpost/shared'
import { CredentialStore } from '#hub/broker/credentials.ts'
import { Program } from '../../support/program.ts'
import { TempDir } from '../../support/temp-dir.ts'

test('an identity is shown with exactly what a client needs, and its file holds the same', async () => {
  await using dir = await TempDir.make()
  const store = await CredentialStore.open(dir.path)

  const added = await store.add('agent', 'agent-a')

  expect(Object.keys(added)).toEqual(['servers', 'user', 'pass', 'inbox_prefix'])
  expect(added).toMatchObject({ user: 'agent-agent-a', inbox_prefix: '_INBOX.agent-agent-a' })
  expect(Buffer.from(added.pass, 'base64url')).toHaveLength(32)
  expect(await store.show('agent', 'agent-a')).toEqual(added)
  const file = join(dir.path, 'credentials', 'agents', 'agent-a.json')
  expect(busCredentialsSchema.parse(JSON.parse(await readFile(file, 'utf8')))).toEqual(added)
})

test('only the owner can read credentials', async () => {
  await using dir = await TempDir.make()
  const dataDir = join(dir.path, 'data')
  const store = await CredentialStore.open(dataDir)
  await store.add('operator', 'alice')

  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const { mode } = await stat(join(entry.parentPath, entry.name))
    expect([entry.name, mode & 0o777]).toEqual([entry.name, entry.isDirectory() ? 0o700 : 0o600])
  }
  expect(entries.map(({ name }) => name)).toContain('alice.json')
})

test('an agent and an operator of one name are two users, and none is one of our own', async () => {
  await using dir = await TempDir.make()
  const store = await CredentialStore.open(dir.path)
  await store.add('agent', 'hub')
  await store.add('operator', 'hub')

  const { own, named } = await store.all()
  const users = [...Object.values(own), ...named.map(({ identity }) => identity)].map((i) => i.user)

  expect(new Set(users).size).toBe(users.length)
  expect(users).toHaveLength(6)
})

test.each(['', 'a.b', '*', '>', '../hub', 'a b', 'ä', 'x'.repeat(65)])(
  'the name %j is refused',
  async (name) => {
    await using dir = await TempDir.make()
    const store = await CredentialStore.open(dir.path)

    await expect(store.add('agent', name)).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(store.show('agent', name)).rejects.toMatchObject({ code: 'invalid_request' })
  },
)

test('a name that is taken is refused, and free again once revoked', async () => {
  await using dir = await TempDir.make()
  const store = await CredentialStore.open(dir.path)
  const first = await store.add('agent', 'agent-a')
  await expect(store.add('agent', 'agent-a')).rejects.toMatchObject({ code: 'conflict' })

  await store.revoke('agent', 'agent-a')

  await expect(store.show('agent', 'agent-a')).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('centralpost credentials add agent agent-a'),
  })
  expect((await store.add('agent', 'agent-a')).pass).not.toBe(first.pass)
})

test('processes that add at the same moment lose nobody, and one of them gets a name', async () => {
  await using dir = await TempDir.make()
  const add = (name: string) =>
    new Program('centralpost-credentials.ts', [
      'credentials',
      'add',
      'agent',
      name,
      '--data',
      dir.path,
    ])
  await using programs = new AsyncDisposableStack()
  const started = ['a', 'b', 'same', 'same', 'same'].map((name) => programs.use(add(name)))

  const ended = await Promise.all(started.map((program) => program.ended))

  expect(ended.map(({ code }) => code ?? -1).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 73, 73])
  const store = await CredentialStore.open(dir.path)
  expect((await store.list()).map(({ name }) => name)).toEqual(['a', 'b', 'same'])
  const identities = [
    ...(await store.list()).map(({ identity }) => identity),
    await store.own('hub'),
  ]
  expect(new Set(identities.map(({ servers }) => servers.join())).size).toBe(1)
})

test('a file that does not hold credentials is named', async () => {
  await using dir = await TempDir.make()
  const store = await CredentialStore.open(dir.path)
  await store.add('agent', 'agent-a')
  const file = join(dir.path, 'credentials', 'agents', 'agent-a.json')
  await writeFile(file, '{"user":')

  await expect(store.list()).rejects.toMatchObject({
    code: 'storage',
    message: expect.stringContaining(file),
  })
})

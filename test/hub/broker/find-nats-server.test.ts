import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { type Logger, silentLogger } from '@centralpost/shared'
import { programPaths } from '#shared/program-paths.js'
import { findNatsServer, lacksFixes } from '#hub/broker/find-nats-server.ts'
import { TempDir } from '../../support/temp-dir.ts'

test('the nats-server on PATH comes before every other', async () => {
  await using dir = await TempDir.make()
  const path = await program(join(dir.path, 'bin', 'nats-server'), 'nats-server: v2.12.12')

  const found = await findNatsServer({ env: { PATH: dirname(path) }, log: silentLogger })

  expect(found).toEqual({ path, version: '2.12.12' })
})

test('the copy that set-up made is where the hub looks last', async () => {
  await using dir = await TempDir.make()

  const paths = programPaths('nats-server', { XDG_CACHE_HOME: dir.path, PATH: '/first:/second' })

  expect(paths.slice(0, 2)).toEqual(['/first/nats-server', '/second/nats-server'])
  expect(paths).toContain('/usr/sbin/nats-server')
  expect(paths.at(-1)).toBe(join(dir.path, 'centralpost', 'nats-server'))
})

test('a program that is not nats-server is refused by name', async () => {
  await using dir = await TempDir.make()
  const path = await program(join(dir.path, 'nats-server'), 'hello')

  await expect(findNatsServer({ binary: path, log: silentLogger })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(path),
  })
  await expect(
    findNatsServer({ binary: '/nowhere/nats-server', log: silentLogger }),
  ).rejects.toMatchObject({ code: 'unavailable' })
})

test('an old nats-server is used, with one line of warning', async () => {
  await using dir = await TempDir.make()
  const path = await program(join(dir.path, 'nats-server'), 'nats-server: v2.9.10')
  const warnings: string[] = []
  const log: Logger = { ...silentLogger, warn: (message) => warnings.push(message) }

  expect(await findNatsServer({ binary: path, log })).toEqual({ path, version: '2.9.10' })
  expect(warnings).toEqual([expect.stringContaining('security fixes')])
})

test.each([
  ['1.4.1', true],
  ['2.9.10', true],
  ['2.10.29', true],
  ['2.11.15', true],
  ['2.11.16', false],
  ['2.12.11', true],
  ['2.12.12', false],
  ['2.13.0', true],
  ['2.14.3', false],
  ['2.15.0', false],
  ['2.15.0-RC.1', false],
  ['3.0.0', false],
])('whether %s lacks security fixes: %s', (version, lacks) => {
  expect(lacksFixes(version)).toBe(lacks)
})

async function program(path: string, prints: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `#!/bin/sh\necho '${prints}'\n`)
  await chmod(path, 0o700)
  return path
}

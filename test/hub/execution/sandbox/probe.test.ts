import { existsSync, realpathSync, statSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { confinedProfiles } from '#hub/execution/sandbox/profiles.ts'
import { probeSandbox } from '#hub/execution/sandbox/probe.ts'
import { TempDir } from '../../../support/temp-dir.ts'
import { describeConfined } from './confined.ts'

async function fakeBwrap(dir: TempDir, script: string): Promise<string> {
  const path = join(dir.path, 'bwrap')
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
  return path
}

test('a bubblewrap that is not there is said, with the way out', async () => {
  const probe = await probeSandbox({ roots: ['/'], hidden: [], bwrap: '/no/such/bwrap' })
  expect(probe).toMatchObject({ sandbox: null, version: null })
  expect(probe.missing['ro-nonet']).toContain('execution.sandbox.bwrap')
})

test('where user namespaces are refused, the probe says what to look at', async () => {
  await using dir = await TempDir.make()
  const bwrap = await fakeBwrap(
    dir,
    '[ "$1" = --version ] && { echo bubblewrap 0.8.0; exit; }; echo "bwrap: No permissions to create new namespace" >&2; exit 1',
  )
  const { sandbox, missing } = await probeSandbox({ roots: ['/'], hidden: [], bwrap })
  expect(sandbox).toBeNull()
  expect(missing['ro-nonet']).toContain('user.max_user_namespaces')
})

test('each profile is tried by itself', async () => {
  await using dir = await TempDir.make()
  const bwrap = await fakeBwrap(
    dir,
    'case "$*" in --version) echo bubblewrap 0.11.0;; *--unshare-net*) echo "bwrap: loopback: Failed" >&2; exit 1;; esac',
  )
  const { sandbox, missing } = await probeSandbox({ roots: ['/'], hidden: [], bwrap })
  expect(sandbox).toMatchObject({
    available: ['rw-workspace-net', 'machine-network'],
    takesArgv0: true,
  })
  expect(missing['ro-nonet']).toContain('loopback')
})

describeConfined('on this machine', () => {
  test('every profile works', async () => {
    await using dir = await TempDir.make()
    const { sandbox, version, tookMs } = await probeSandbox({ roots: [dir.path], hidden: [] })
    expect(sandbox?.available.toSorted()).toEqual(confinedProfiles.toSorted())
    expect(sandbox?.machine?.noExec).not.toBeNull()
    expect(version).toMatch(/^bubblewrap \d/)
    expect(tookMs).toBeGreaterThan(0)
  })
  const testAsRoot = process.getuid?.() === 0 ? test : test.skip

  testAsRoot('root, who reads every file, has the credentials of all users masked', async () => {
    const lines = (await readFile('/etc/passwd', 'utf8')).trim().split('\n')
    const homes = lines
      .map((line) => line.split(':'))
      .filter(([, , uid, , , home = '']) => existsSync(home) && statSync(home).uid === Number(uid))
      .map(([, , , , , home = '']) => realpathSync(home))

    const { sandbox } = await probeSandbox({ roots: ['/usr'], hidden: [] })

    expectHomes(sandbox?.homes, homes)
  })
})

function expectHomes(masked: readonly string[] | undefined, homes: readonly string[]): void {
  expect(homes).toContain('/root')
  expect(masked).toEqual(expect.arrayContaining(homes.filter((home) => home !== '/')))
  expect(masked).not.toContain(realpathSync('/bin'))
}

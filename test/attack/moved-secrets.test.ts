import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { Confined, describeConfined } from '../hub/execution/sandbox/confined.ts'

/** What lies below a workspace and no command may see, whatever an earlier one did. */
const secrets = ['home/.config/gh/hosts.yml', 'state/hubs/.centralpost/hub.db', 'home/.netrc']

function workspaceWithSecrets(): Promise<Confined> {
  return Confined.make(async (cwd) => {
    for (const name of secrets) {
      await mkdir(dirname(join(cwd, name)), { recursive: true })
      await writeFile(join(cwd, name), 'SECRET')
    }
    return {
      homes: [join(cwd, 'home')],
      hidden: [join(cwd, 'state/hubs/.centralpost')],
      roots: [cwd],
    }
  })
}

describeConfined('a workspace that holds credentials or the data of the hub', () => {
  test.each([
    'mv home/.config home/elsewhere',
    'mv home elsewhere',
    'mv state elsewhere; mkdir -p state/hubs/.centralpost',
    'mv state/hubs state/elsewhere',
    `python3 -c 'import ctypes; print(ctypes.CDLL(None).renameat2(-100, b"home", -100, b"state", 2))'`,
  ])('shows nothing of them to the command after "%s"', async (move) => {
    await using it = await workspaceWithSecrets()

    await it.script(move, 'rw-workspace-nonet')
    const { stdout } = await it.script('grep -rs SECRET .; ls', 'ro-nonet')

    expect(stdout.text).not.toContain('SECRET')
    expect(stdout.text).toContain('home')
  })

  test('can be written and rearranged around them', async () => {
    await using it = await workspaceWithSecrets()

    const { exitCode, stderr } = await it.script(
      'echo x > home/new && mv home/new home/.config/new && mkdir state/hubs/sub && mv state/hubs/sub state/sub && cat home/.config/new',
      'rw-workspace-nonet',
    )

    expect([exitCode, stderr.text]).toEqual([0, ''])
  })
})

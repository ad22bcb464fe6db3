import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { silentLogger } from '@centralpost/shared'
import { TrustManager } from '#hub/trust/trust-manager.ts'
import { TestExecutor } from '../hub/execution/executor-fixture.ts'
import { shippedRules } from '../support/hub.ts'

/** Names that a SAFE command calls, each a program that a clone may bring in its virtual environment. */
const names = [
  'ls',
  'ps',
  'git',
  'df',
  'cat',
  'sh',
  'env',
  'timeout',
  'xargs',
  'rg',
  'no-such',
  'pip-audit',
]

/** A workspace as a clone makes it; its programs say that they ran. Without a sandbox, which must not be what helps here. */
async function clone(): Promise<
  TestExecutor & { readonly run: (command: string) => Promise<string> }
> {
  const it = await TestExecutor.make()
  const bin = join(it.cwd, '.venv/bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(it.cwd, '.venv/pyvenv.cfg'), 'home = /usr/bin\n')
  await writeFile(join(bin, 'activate'), 'echo PWNED-activate\n')
  for (const name of names) {
    await writeFile(join(bin, name), `#!/bin/sh\necho PWNED-${name}\n`, { mode: 0o755 })
  }
  for (const name of ['python', 'pip']) {
    await writeFile(join(bin, name), `#!/bin/sh\necho its own ${name} "$@"\n`, { mode: 0o755 })
  }
  const trust = await TrustManager.open({ rulesPath: shippedRules, log: silentLogger })
  const run = async (command: string): Promise<string> => {
    const { level, plan } = trust.classifyCommand(command, { cwd: it.cwd })
    const { stdout, stderr } = await it.plan(plan, { isUnattended: level === 'SAFE' })
    return level === 'SAFE' ? stdout.text + stderr.text : level
  }
  return Object.assign(it, { run })
}

describe('after "source .venv/bin/activate" what is SAFE starts', () => {
  test.each([
    'ls',
    'ps',
    'git status',
    'df -h',
    'cat .venv/pyvenv.cfg',
    'ls | xargs ls',
    'timeout 5 ls',
    'env ls',
    `bash -c 'ls'`,
    'command -v ls',
    'rg x',
    'echo "$(ls)"',
    'find . -name x -exec ls {} +',
  ])('%s of the system', async (command) => {
    await using it = await clone()
    for (const activate of ['source .venv/bin/activate', '. .venv/bin/activate']) {
      expect(await it.run(`${activate} && ${command}`)).not.toContain('PWNED')
    }
    expect(
      await it.run(`cd .venv && cd .. && source .venv/bin/activate; ${command}`),
    ).not.toContain('PWNED')
  })

  test('and Python and pip of the environment', async () => {
    await using it = await clone()
    expect(await it.run('source .venv/bin/activate && pip list')).toContain('its own pip list')
    expect(await it.run('source .venv/bin/activate && python --version')).toContain(
      'its own python',
    )
  })
})

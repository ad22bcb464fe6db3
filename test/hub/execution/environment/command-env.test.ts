import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { executorOptionsSchema } from '#hub/execution/index.ts'
import { TestExecutor } from '../executor-fixture.ts'

const make = TestExecutor.make
const hubEnv = {
  HOME: '/home/hub',
  USER: 'hub',
  LANG: 'de_DE.UTF-8',
  PATH: '/evil:.',
  NATS_URL: 'nats://hub:secret@127.0.0.1',
  CENTRALPOST_DATA: '/secret/data',
  AWS_SECRET_ACCESS_KEY: 'secret',
  OPENAI_API_KEY: 'secret',
  LD_PRELOAD: '/secret/lib.so',
}

/** The variables that a command got. */
async function variables(it: TestExecutor, changes: Parameters<TestExecutor['plan']>[1] = {}) {
  const { stdout } = await it.argv(['env', '-0'], changes)
  return parse(stdout.text)
}

function parse(text: string): Record<string, string> {
  const pairs = text.split('\0').filter((line) => line !== '')
  return Object.fromEntries(
    pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

describe('what a command finds in its environment', () => {
  test('is the allow list, fixed values and the marks, and nothing else', async () => {
    await using it = await make({ hubEnv })

    expect(await variables(it)).toEqual({
      HOME: '/home/hub',
      USER: 'hub',
      LANG: 'de_DE.UTF-8',
      PATH: executorOptionsSchema.parse({}).path,
      TERM: 'dumb',
      LC_ALL: 'C.UTF-8',
      CENTRALPOST_ACTION: 'action-1',
      CENTRALPOST_AGENT: 'agent-a',
      CENTRALPOST_HUB: it.options.marker,
      CENTRALPOST_RUN: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  test("never holds the hub's secrets, even when the list names them", async () => {
    await using it = await make({ hubEnv, passEnv: Object.keys(hubEnv) })

    const outcome = await it.script('env')

    expect(outcome.stdout.text).toContain('OPENAI_API_KEY=secret')
    expect(outcome.stdout.text).not.toContain('NATS_URL')
    expect(outcome.stdout.text).not.toContain('CENTRALPOST_DATA')
    expect(outcome.stdout.text).not.toContain('/evil')
  })

  test('comes from this process where no other environment is given, secrets left out', async () => {
    await using it = await make()
    process.env['NATS_TEST_SECRET'] = 'secret-of-the-hub'

    const outcome = await it.script('env; cat /proc/self/environ')
    delete process.env['NATS_TEST_SECRET']

    expect(outcome.stdout.text).not.toContain('secret-of-the-hub')
    expect(outcome.stdout.text).toContain('HOME=')
  })

  test('has a home even where the hub has none', async () => {
    await using it = await make({ hubEnv: {} })

    expect((await variables(it))['HOME']).toBe(homedir())
  })

  test("holds the request's variables", async () => {
    await using it = await make({ hubEnv })

    expect(await variables(it, { env: { BUILD_MODE: 'fast', TZ: 'UTC' } })).toMatchObject({
      BUILD_MODE: 'fast',
      TZ: 'UTC',
    })
  })

  test("holds the plan's variables whatever the request says", async () => {
    await using it = await make({ hubEnv })
    const env = { GREETING: 'plan', OTHER: 'plan' }

    const outcome = await it.plan(
      { kind: 'argv', argv: ['env', '-0'], env },
      { env: { GREETING: 'request', CENTRALPOST_RUN: 'request' } },
    )

    const found = parse(outcome.stdout.text)
    expect(found).toMatchObject(env)
    expect(found['CENTRALPOST_RUN']).not.toBe('request')
  })

  test('speaks English unless the request chooses', async () => {
    await using it = await make({ hubEnv })

    expect(await variables(it)).toMatchObject({ LC_ALL: 'C.UTF-8' })
    expect(await variables(it, { env: { LC_ALL: 'POSIX' } })).toMatchObject({ LC_ALL: 'POSIX' })
    expect(await variables(it, { env: { LANG: 'fr_FR.UTF-8' } })).not.toHaveProperty('LC_ALL')
  })
})

describe('a virtual environment', () => {
  test('is applied where the plan names it', async () => {
    await using it = await make()
    const venv = await withVenv(it)

    const outcome = await it.plan({ kind: 'argv', argv: ['pip', 'install', 'x'], venv })

    expect(outcome).toMatchObject({ status: 'completed', venvActive: true, warnings: [] })
    expect(outcome.stdout.text).toBe(`pip of ${venv} install x\n`)
  })

  test('is not applied by itself: a project cannot put its programs under known names', async () => {
    await using it = await make()
    const venv = await withVenv(it)
    await writeFile(join(venv, 'bin', 'ls'), '#!/bin/sh\necho planted\n', { mode: 0o755 })

    const outcome = await it.argv(['ls'])

    expect(outcome).toMatchObject({ venvActive: false, stdout: { text: '' } })
  })

  test.each([
    [{ kind: 'argv', argv: ['pip', 'install', 'x'] }],
    [{ kind: 'argv', argv: ['/no/pip3.11', '--quiet', 'uninstall', 'x'] }],
    [{ kind: 'argv', argv: ['/no/python3', '-m', 'pip', 'install', 'x'] }],
    [{ kind: 'script', script: 'false && pip3 install -q x' }],
  ] as const)('its absence is warned of where packages would change: %j', async (plan) => {
    await using it = await make({ path: '/no/such/folder' })
    const typed = plan.kind === 'argv' ? { kind: plan.kind, argv: [...plan.argv] } : { ...plan }

    const before = await it.plan(typed)
    const venv = await withVenv(it)
    const after = await it.plan(typed)

    expect(before.warnings.join()).toContain('python3 -m venv .venv')
    expect(after.warnings.join()).toContain(`source ${venv}/bin/activate`)
  })

  test.each([
    [{ kind: 'argv', argv: ['pip', 'list'] }],
    [{ kind: 'argv', argv: ['echo', 'pip', 'install'] }],
    [{ kind: 'script', script: 'echo "no pipinstall here"' }],
  ] as const)('its absence is not warned of otherwise: %j', async (plan) => {
    await using it = await make()
    const typed = plan.kind === 'argv' ? { kind: plan.kind, argv: [...plan.argv] } : { ...plan }

    expect((await it.plan(typed)).warnings).toEqual([])
  })

  test('is found up the tree, with the line that activates it', async () => {
    await using it = await make({ hubEnv: {} })
    const deep = join(it.cwd, 'a', 'b', 'c')
    await mkdir(deep, { recursive: true })

    expect(await it.executor.detectVenvPath(deep)).toBeNull()
    expect(it.executor.getVenvActivationCommand(deep)).toBeNull()
    const venv = await withVenv(it)
    expect(await it.executor.detectVenvPath(deep)).toBe(venv)
    expect(it.executor.getVenvActivationCommand(deep)).toBe(`source ${venv}/bin/activate`)
    expect(it.executor.isVenvActive(deep)).toBe(false)
  })

  test('is not found where a link leads to itself', async () => {
    await using it = await make()
    await symlink('.venv', join(it.cwd, '.venv'))

    expect(await it.executor.detectVenvPath(it.cwd)).toBeNull()
    expect(await it.argv(['true'])).toMatchObject({ status: 'completed' })
  })

  test('is active where commands get it and it is the one that belongs there', async () => {
    await using it = await make()
    const venv = await withVenv(it)
    const passEnv = ['VIRTUAL_ENV']
    await using active = await make({ passEnv, hubEnv: { VIRTUAL_ENV: venv } })
    await using gone = await make({ passEnv, hubEnv: { VIRTUAL_ENV: '/no/such/venv' } })
    await withVenv(gone)

    expect(active.executor.isVenvActive(it.cwd)).toBe(true)
    expect(active.executor.isVenvActive(gone.cwd)).toBe(false)
    expect(gone.executor.isVenvActive(it.cwd)).toBe(false)
  })
})

describe('the state of the system', () => {
  test('says what commands find', async () => {
    await using it = await make()

    expect(await it.executor.getSystemState(it.cwd)).toMatchObject({
      cwd: it.cwd,
      venv_active: false,
      venv_path: null,
      home: homedir(),
      shell: '/bin/bash',
      path: it.options.path,
      platform: process.platform,
    })
  })

  test('finds Python on the pinned PATH only', async () => {
    await using it = await make()
    const bin = join(it.cwd, 'bin')
    await mkdir(bin)
    await writeFile(join(bin, 'python3'), '', { mode: 0o755 })
    await using pinned = await make({ path: bin })
    await using none = await make({ path: '/no/such/folder' })

    const state = await pinned.executor.getSystemState(it.cwd)
    expect(state.python_executable).toBe(join(bin, 'python3'))
    expect((await none.executor.getSystemState(it.cwd)).python_executable).toBeNull()
  })

  test('a command has a short hash of its text', async () => {
    await using it = await make()

    expect(it.executor.computeCommandHash('echo hi')).toBe('56a79f3b11544807')
    expect(it.executor.computeCommandHash('echo  hi')).not.toBe('56a79f3b11544807')
  })
})

async function withVenv(it: TestExecutor): Promise<string> {
  const venv = join(it.cwd, '.venv')
  await mkdir(join(venv, 'bin'), { recursive: true })
  await writeFile(join(venv, 'pyvenv.cfg'), 'home = /usr/bin\n')
  await writeFile(join(venv, 'bin', 'activate'), `VIRTUAL_ENV=${venv}\n`)
  await writeFile(join(venv, 'bin', 'pip'), '#!/bin/sh\necho pip of $VIRTUAL_ENV "$@"\n', {
    mode: 0o755,
  })
  return venv
}

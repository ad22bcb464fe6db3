import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { TempDir } from '../../support/temp-dir.ts'

const repository = join(import.meta.dirname, '..', '..', '..')
/** Set-up, with the files of others that it reads. */
const setUp = ['config/setup', 'hub/src/setup', 'test/support/setup', 'shared/src/program-paths.js']

test('the first run installs what the lock file names, the next ones are silent until it changes', async () => {
  await using project = await Project.make()
  const install = expect.stringContaining('installing the packages')

  expect(await project.run('start')).toMatchObject({ code: 0, stderr: install })
  expect(await project.run('start')).toMatchObject({ code: 0, stderr: '' })
  await writeFile(join(project.path, 'package-lock.json'), project.lock('0.2.0'))
  expect(await project.run('start')).toMatchObject({ code: 0, stderr: install })
  expect(await project.run('start')).toMatchObject({ code: 0, stderr: '' })
})

test('the job gets its arguments, and its output and exit code are those of the run', async () => {
  await using project = await Project.make()

  expect(await project.run('start', '--port', '4222')).toMatchObject({
    code: 0,
    stdout: 'up --port 4222\n',
  })
  expect(await project.run('demo', 'fail')).toMatchObject({ code: 3, stdout: 'demo fail\n' })
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s reaches the job, whose end is waited for',
  async (signal) => {
    await using project = await Project.make()
    const run = project.start('start', 'stay')
    await eventually(() => run.printed().includes('up stay'))

    run.child.kill(signal)

    expect(await run.ended).toMatchObject({ code: 7, stdout: `up stay\n${signal}\n` })
  },
)

test('a job that is killed ends the run by the same signal', async () => {
  await using project = await Project.make()

  expect(await project.run('start', 'die')).toMatchObject({ code: null, signal: 'SIGKILL' })
})

test('a start goes on without bubblewrap, says so, and does not try to fetch it each time', async () => {
  await using project = await Project.make()
  const bin = join(project.path, 'bin')
  await mkdir(bin)
  const npm = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'npm'))
    .find((path) => existsSync(path))
  await symlink(npm ?? '', join(bin, 'npm'))
  await symlink(process.execPath, join(bin, 'node'))
  await rm(join(project.path, 'cache', 'centralpost', 'bwrap'))
  // no package manager is on this PATH
  project.env['PATH'] = bin

  expect(await project.run('start')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('going on without a sandbox'),
  })
  expect(await project.run('start')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('npm run setup tries again'),
  })
})

test('an install that fails is told, and no job is run', async () => {
  await using project = await Project.make()
  const dependencies = { local: 'nowhere:local' }
  await writeFile(
    join(project.path, 'package.json'),
    JSON.stringify({ type: 'module', dependencies }),
  )

  const { code, stdout, stderr } = await project.run('start')

  expect([code, stdout]).toEqual([69, ''])
  expect(stderr).toContain('set-up: npm install failed (exit code 1)')
})

test('an unknown job is refused with those there are', async () => {
  await using project = await Project.make()

  expect(await project.run('strat')).toMatchObject({
    code: 69,
    stderr: "set-up: which job? one of start, demo, test, build, pack, setup; got 'strat'\n",
  })
})

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A small project with the real set-up, one local package and a job that does what it is told. */
class Project {
  readonly path: string
  /** variables of its runs */
  readonly env: Record<string, string> = {}
  readonly #dir: TempDir

  private constructor(dir: TempDir) {
    this.#dir = dir
    this.path = dir.path
  }

  static async make(): Promise<Project> {
    const project = new Project(await TempDir.make())
    const { path } = project
    for (const part of setUp)
      await cp(join(repository, part), join(path, part), { recursive: true })
    for (const folder of ['agents/bin', 'local'])
      await mkdir(join(path, folder), { recursive: true })
    const files = {
      'package.json': JSON.stringify({
        name: 'project',
        version: '0.1.0',
        type: 'module',
        dependencies: { local: 'file:local' },
      }),
      'local/package.json': JSON.stringify({ name: 'local', version: '0.1.0' }),
      'package-lock.json': project.lock('0.1.0'),
      'agents/bin/centralpost.js': job,
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
    // nothing is fetched: what a machine lacks is where set-up would have put it
    await mkdir(join(path, 'cache', 'centralpost'), { recursive: true })
    for (const name of ['nats-server', 'bwrap']) {
      await writeFile(join(path, 'cache', 'centralpost', name), '#!/bin/sh\n', { mode: 0o755 })
    }
    return project
  }

  lock(version: string): string {
    return JSON.stringify({
      name: 'project',
      version,
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': { name: 'project', version, dependencies: { local: 'file:local' } },
        local: { version: '0.1.0' },
        'node_modules/local': { resolved: 'local', link: true },
      },
    })
  }

  run(...args: string[]): Promise<Ended> {
    return this.start(...args).ended
  }

  start(...args: string[]) {
    const child = spawn(process.execPath, [join(this.path, 'config', 'setup', 'run.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_CACHE_HOME: join(this.path, 'cache'), ...this.env },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const ended = new Promise<Ended>((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ code, signal, stdout, stderr })
      })
    })
    return { child, ended, printed: () => stdout }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#dir[Symbol.asyncDispose]()
  }
}

const job = `
const args = process.argv.slice(2)
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    process.stdout.write(signal + '\\n', () => process.exit(7))
  })
}
process.stdout.write(args.join(' ') + '\\n')
if (args[1] === 'fail') process.exitCode = 3
if (args[1] === 'die') process.kill(process.pid, 'SIGKILL')
if (args[1] === 'stay') setInterval(() => {}, 1000)
else process.exit()
`

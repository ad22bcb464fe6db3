import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { programCache } from '@centralpost/shared/program-paths'
import { eventually } from '../support/eventually.ts'
import { TempDir } from '../support/temp-dir.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const tool = (name: string): string => join(root, 'node_modules', '.bin', name)

/** What a user has: Node 24 and npm on PATH, nothing of the clone. */
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))),
  PATH: [dirname(process.execPath), process.env['PATH'], programCache()].join(delimiter),
  NODE_OPTIONS: '',
  NATS_URL: '',
}

/** Asked for something that is not in npm's cache, a registry that is away shows. */
const hasRegistry =
  spawnSync('npm', ['view', 'ulid', 'version', '--fetch-retries=0', '--fetch-timeout=5000'], {
    env,
  }).status === 0
const withRegistry = hasRegistry ? describe : describe.skip

/** Uses each door as a program of somebody else would; it need only compile. */
const consumer = `
import { Agent, CentralPostError, type ActionResult, type Planner } from 'centralpost/agent'
import { Operator, PendingWatch, type ApprovalNeeded } from 'centralpost/operator'
import { CentralPost, type HubSettings } from 'centralpost/hub'

export async function ask(name: string): Promise<number | null> {
  await using agent = await Agent.connect({ name })
  const action = await agent.requestAction({ argv: ['git', 'status'], timeoutSeconds: 5 })
  const result: ActionResult = await action.result()
  // @ts-expect-error -- results have a closed list of endings
  if (result.status === 'finished') throw new CentralPostError('internal', 'no')
  return result.exit_code
}

export async function decide(settings: HubSettings, shown: ApprovalNeeded): Promise<string> {
  await using post = await CentralPost.local({ dataDir: 'data', roots: ['.'], settings })
  await using operator: Operator = await post.operator('alice')
  const { decided_by: decidedBy } = await operator.approve(shown.action_id, { expiresInSeconds: 60 })
  return decidedBy + PendingWatch.name + post.hub.hubId
}

export const nothing: Planner = { next: () => Promise.resolve(null) }
`

const compilerOptions = {
  target: 'es2025',
  lib: ['es2025', 'esnext.disposable'],
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules', '@types')],
}

/** Prints which of the files that \`centralpost/agent\` loads lie in which package. */
const loads = `
import { registerHooks } from 'node:module'
const loaded = new Set()
registerHooks({ load: (url, context, next) => { loaded.add(url); return next(url, context) } })
await import('centralpost/agent')
for (const url of loaded) console.log(url)
`

/** The processes whose command line names a folder. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return line.includes(folder) ? [`${pid} ${line}`] : []
      } catch {
        // it has ended meanwhile
        return []
      }
    })
}

describe('the package', () => {
  let opened: AsyncDisposableStack
  let tarball: string

  beforeAll(async () => {
    opened = new AsyncDisposableStack()
    const folder = opened.use(await TempDir.make()).path
    await run(process.execPath, [join(root, 'packaging', 'pack.ts'), folder], { env })
    const [file = ''] = await readdir(folder)
    tarball = join(folder, file)
  }, 90_000)

  afterAll(() => opened.disposeAsync())

  test('is one that publint and arethetypeswrong find nothing wrong with', async () => {
    for (const [name, ...args] of [
      ['publint', '--strict', tarball],
      ['attw', '--profile', 'esm-only', '--no-color', tarball],
    ]) {
      const { status, stdout, stderr } = spawnSync(tool(name ?? ''), args, {
        env,
        encoding: 'utf8',
      })
      expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, ''])
    }
  })

  test('names itself, what it needs, and nothing of where it was made', async () => {
    const manifest = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], {
      encoding: 'utf8',
    })
    const written = JSON.parse(manifest) as Record<string, unknown>
    expect(written).toMatchObject({
      name: 'centralpost',
      license: 'Apache-2.0',
      engines: { node: '>=24' },
      sideEffects: false,
    })
    for (const name of ['private', 'workspaces', 'scripts', 'devDependencies', 'imports']) {
      expect(written).not.toHaveProperty(name)
    }
    const names = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).split('\n')
    expect(names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))).toEqual([])
    expect(names.filter((name) => /test|\.centralpost|node_modules/.test(name))).toEqual([])
    const texts = execFileSync(
      'tar',
      ['-xzOf', tarball, '--exclude=*.map', 'package/lib', 'package/types'],
      {
        encoding: 'utf8',
        maxBuffer: 100_000_000,
      },
    )
    expect(texts.match(/.*(?:from|import\()\s*["']@centralpost\/.*/)).toBeNull()
    expect(texts.includes(root)).toBe(false)
  })

  withRegistry('installed with npm', () => {
    let folder: string

    beforeAll(async () => {
      folder = opened.use(await TempDir.make()).path
      await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
      await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], {
        cwd: folder,
        env,
      })
    }, 90_000)

    test('has types that a program in TypeScript compiles with', async () => {
      await writeFile(join(folder, 'consumer.ts'), consumer)
      await writeFile(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['consumer.ts'] }),
      )
      const { stdout } = await run(tool('tsc'), ['-p', folder], { cwd: folder, env }).catch(
        (error: { stdout: string }) => error,
      )
      expect(stdout).toBe('')
    })

    test('loads neither the hub nor a native module nor what an agent has no use for', async () => {
      await writeFile(join(folder, 'loads.mjs'), loads)
      const { stdout } = await run(process.execPath, ['loads.mjs'], { cwd: folder, env })
      const libraries = [...stdout.matchAll(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/g)]
      expect([...new Set(libraries.map(([, name]) => name))]).toEqual(['centralpost'])
      expect(stdout).not.toMatch(/part-hub|\.node\b/)
    })

    test('gives a hub that serves, and leaves nothing behind', async () => {
      const up = spawn('npx', ['centralpost', 'up'], {
        cwd: folder,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = once(up, 'exit')
      try {
        let printed = ''
        up.stdout.setEncoding('utf8').on('data', (text: string) => {
          printed += text
        })
        await eventually(() => printed.includes('Console: http'), 30_000)
        const ask = ['centralpost', 'request', '--wait', '--', 'git', '--version']
        const { stdout } = await run('npx', ask, { cwd: folder, env })
        expect(stdout).toMatch(/^git version \d/)
        expect(processesOf(folder).length).toBeGreaterThan(3)
      } finally {
        // npx keeps a signal to itself
        const [pid] = processesOf(folder).filter((line) => line.endsWith(' up '))
        process.kill(Number.parseInt(pid ?? '', 10), 'SIGTERM')
        await ended
      }
      await eventually(() => processesOf(folder).length === 0, 15_000)
      const { dependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
        dependencies: object
      }
      expect(Object.keys(dependencies)).toEqual(['centralpost'])
    })
  })
})

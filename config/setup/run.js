// Entry point of npm start, npm run demo, npm test and npm run setup. Plain JavaScript for Node 20,
// without dependencies. Installs missing parts, reports each step, and is silent when nothing is
// missing.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBrowser } from '../../test/support/setup/browser.js'
import { ensureInstalled } from './install.js'
import { projectNode, runJob } from './job.js'
import { ensurePage } from './page.js'
import { ensurePostgres } from '../../test/support/setup/postgres.js'
import { ensureBroker, ensureSandbox, sandboxLatelyFailed } from '../../hub/src/setup/machine.js'
import { ensureProgram, natsServer, tracer } from '../../hub/src/setup/program.js'
import { say, SetupError } from '../../hub/src/setup/say.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const oldestMajor = 20

const jobs = {
  start: (args) => centralpost(['up', ...args]),
  demo: (args) => centralpost(['demo', ...args]),
  test: (args) => test(args),
  build: () => {
    ensureInstalled(root)
    ensurePage(root, { always: true })
    return { code: 0, signal: null }
  },
  pack: () => {
    ensureInstalled(root)
    return runJob(projectNode(root), [join(root, 'packaging', 'pack.ts')], { root })
  },
  setup: async () => {
    ensureInstalled(root)
    await ensureProgram(natsServer)
    await ensureSandbox()
    ensureTestDatabase()
    ensurePage(root)
    say('everything is there')
    return { code: 0, signal: null }
  },
}

async function centralpost(args) {
  ensureInstalled(root)
  ensurePage(root)
  // An external broker is used as it is.
  await ensureBroker()
  if (!sandboxLatelyFailed()) await ensureSandbox()
  return runJob(projectNode(root), [join(root, 'agents', 'bin', 'centralpost.js'), ...args], {
    root,
  })
}

async function test(args) {
  ensureInstalled(root)
  await ensureProgram(natsServer)
  await ensureSandbox()
  ensureTestDatabase()
  await ensureTracer()
  ensurePage(root)
  ensureBrowser()
  const folder = mkdtempSync(join(tmpdir(), 'centralpost-test-'))
  const counts = join(folder, 'counts')
  try {
    const ended = await runJob(
      projectNode(root),
      [
        '--experimental-vm-modules',
        '--disable-warning=ExperimentalWarning',
        join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
        '--reporters=default',
        `--reporters=${join(root, 'test', 'support', 'setup', 'test-counts.cjs')}`,
        // Also ends the list of reporters, which would otherwise swallow the first of `args`.
        `--rootDir=${root}`,
        ...args,
      ],
      { root, env: { CENTRALPOST_TEST_COUNTS: counts } },
    )
    process.stdout.write(readCounts(counts) ?? 'the tests did not finish\n')
    return ended
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** PostgreSQL is optional: without it, its tests are skipped. */
function ensureTestDatabase() {
  if (process.platform !== 'linux') return
  try {
    ensurePostgres()
  } catch (error) {
    say(`going on without PostgreSQL: ${error.message}`)
  }
}

/** strace is optional: without it, the test that traces SAFE commands is skipped. */
async function ensureTracer() {
  if (process.platform !== 'linux') return
  try {
    await ensureProgram(tracer)
  } catch (error) {
    say(
      `going on without strace, so the test that traces SAFE commands is skipped: ${error.message}`,
    )
  }
}

function readCounts(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // jest ended before its last report.
    return undefined
  }
}

async function main() {
  const [name, ...args] = process.argv.slice(2)
  const job = Object.hasOwn(jobs, name ?? '') ? jobs[name] : undefined
  if (Number(process.versions.node.split('.')[0]) < oldestMajor) {
    throw new SetupError(
      `this is Node ${process.version}: set-up needs Node ${oldestMajor} or later`,
    )
  }
  if (job === undefined) {
    throw new SetupError(`which job? one of ${Object.keys(jobs).join(', ')}; got '${name ?? ''}'`)
  }
  const { code, signal } = await job(args)
  if (signal !== null) process.kill(process.pid, signal)
  process.exitCode = code ?? 1
}

try {
  await main()
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  say(error.message)
  process.exitCode = 69
}

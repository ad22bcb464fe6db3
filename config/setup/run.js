// What npm start, npm run demo, npm test and npm run setup call. Plain JavaScript for Node 20, with nothing installed: it
// makes the rest available, says what it does, and is silent when there is nothing to do.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBrowser } from '../../test/support/setup/browser.js'
import { isExecutable } from './command.js'
import { ensureInstalled } from './install.js'
import { projectNode, runJob } from './job.js'
import { ensurePage } from './page.js'
import { programCache, programPaths } from '../../shared/src/program-paths.js'
import { ensurePostgres } from '../../test/support/setup/postgres.js'
import { bubblewrap, ensureProgram, natsServer, tracer } from './program.js'
import { say, SetupError } from './say.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const oldestMajor = 20
const dayMs = 86_400_000

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
  setup: () => {
    ensureInstalled(root)
    ensureProgram(natsServer)
    ensureSandbox()
    ensureTestDatabase()
    ensurePage(root)
    say('everything is there')
    return { code: 0, signal: null }
  },
}

async function centralpost(args) {
  ensureInstalled(root)
  ensurePage(root)
  // Another broker that was named is used as it is.
  if (!process.env.NATS_URL) ensureProgram(natsServer)
  if (!sandboxLatelyFailed()) ensureSandbox()
  return runJob(projectNode(root), [join(root, 'agents', 'bin', 'centralpost.js'), ...args], {
    root,
  })
}

async function test(args) {
  ensureInstalled(root)
  ensureProgram(natsServer)
  ensureSandbox()
  ensureTestDatabase()
  ensureTracer()
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
        // Also ends the list of reporters, which would go on with the first of `args`.
        `--rootDir=${root}`,
        ...args,
      ],
      { root, env: { CENTRALPOST_TEST_COUNTS: counts } },
    )
    process.stdout.write(readCounts(counts) ?? 'the tests did not come to their end\n')
    return ended
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The history is tested on PostgreSQL too where it is; those tests are skipped without it. */
function ensureTestDatabase() {
  if (process.platform !== 'linux') return
  try {
    ensurePostgres()
  } catch (error) {
    say(`going on without PostgreSQL: ${error.message}`)
  }
}

/** What SAFE commands really do is traced; that test is skipped without a tracer. */
function ensureTracer() {
  if (process.platform !== 'linux') return
  try {
    ensureProgram(tracer)
  } catch (error) {
    say(
      `going on without strace, so the test that traces SAFE commands is skipped: ${error.message}`,
    )
  }
}

/** The hub confines commands with bubblewrap where it is; without it they run unconfined, which is said. */
function ensureSandbox() {
  if (process.platform !== 'linux') return
  try {
    ensureProgram(bubblewrap)
  } catch (error) {
    say(`going on without a sandbox (commands run unconfined): ${error.message}`)
    noteSandboxFailure()
  }
}

const sandboxFailure = () => join(programCache(), 'no-bwrap')

/** A start without a network must not try in vain each time; `npm run setup` tries at once. */
function sandboxLatelyFailed() {
  const at = statSync(sandboxFailure(), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (Date.now() - at > dayMs || programPaths(bubblewrap.name).some(isExecutable)) return false
  say('no sandbox (commands run unconfined): fetching bubblewrap failed; npm run setup tries again')
  return true
}

function noteSandboxFailure() {
  try {
    mkdirSync(programCache(), { recursive: true, mode: 0o755 })
    writeFileSync(sandboxFailure(), '')
  } catch {
    // then the next start tries again
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
    throw new SetupError(`what to do? one of ${Object.keys(jobs).join(', ')}; got '${name ?? ''}'`)
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

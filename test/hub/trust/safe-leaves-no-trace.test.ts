import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Plan } from '@centralpost/shared'
import type { TrustManager } from '#hub/trust/trust-manager.ts'
import { layOutHostileProject } from '../../support/hostile-project.ts'
import { openShipped, readCorpus } from './rules-in-force.ts'

/**
 * The live proof: what the classifier calls SAFE is run, as it would be, in a sandbox without network, over a project
 * and a home directory that it could write. Nothing in them may change, and nothing that the project configures may run.
 */

const commandMs = 1500
const inFlight = 3
const chunk = 30
/** What a program keeps for itself: git's index refreshed, an empty directory of top and of npm. */
const housekeeping = /^\/(?:p\/\.git\/index|h\/\.config(?:\/procps)?|h\/\.npm)$/
const wholeMs = 240_000

let trust: TrustManager
let root: string

beforeAll(async () => {
  trust = await openShipped()
  root = mkdtempSync(join(tmpdir(), 'no-trace-'))
  layOutHostileProject(root)
})

afterAll(async () => {
  rmSync(root, { recursive: true, force: true })
  await trust.close()
})

test(
  'SAFE commands run in a sandbox leave no trace',
  async () => {
    const probe = spawnSync('bwrap', ['--ro-bind', '/', '/', 'true'])
    if (probe.error || probe.status !== 0) {
      throw new Error(
        'this proof needs bubblewrap that works: apt-get install bubblewrap (CI does it in its set-up)',
      )
    }
    const plans = new Map<string, Plan>()
    for (const { command } of [...readCorpus('benign'), ...readCorpus('bypass'), ...attacks()]) {
      const verdict = trust.classifyCommand(command, { cwd: '/p', home: '/h' })
      if (verdict.level === 'SAFE') plans.set(command, verdict.plan)
    }
    expect(plans.size).toBeGreaterThan(500)
    const left: { command: string; changed: string[] }[] = []
    let ran = 0
    const all = [...plans]
    for (let at = 0; at < all.length; at += chunk) {
      const some = all.slice(at, at + chunk)
      const clean = snapshot()
      const queue = [...some]
      const worker = async (): Promise<void> => {
        for (let next = queue.pop(); next; next = queue.pop()) if (await run(next[1])) ran += 1
      }
      await Promise.all(Array.from({ length: inFlight }, worker))
      if (difference(clean, snapshot()).length === 0) continue
      // Only where a trace is found one by one, to name the command.
      for (const [command, plan] of some) {
        layOutHostileProject(root)
        const fresh = snapshot()
        await run(plan)
        const changed = difference(fresh, snapshot())
        if (changed.length > 0) left.push({ command, changed })
      }
      layOutHostileProject(root)
    }
    expect(left).toEqual([])
    expect(ran).toBeGreaterThan(300)
  },
  wholeMs,
)

/** Commands whose SAFE form is where a program could surprise. */
function attacks(): { command: string }[] {
  return [
    'git status',
    'git diff',
    'git diff HEAD',
    'git log -p',
    'git show',
    'git show --format=%G? HEAD',
    'git blame a.txt',
    'git grep -n one',
    'git stash list',
    'git log --stat',
    'git diff --stat',
    'git rev-parse HEAD',
    'git branch -a',
    'git ls-files -m',
    'git describe --always --dirty',
    'git shortlog -s HEAD',
    'git reflog',
    'git cat-file -p HEAD',
    'git diff --cached',
    'git diff-files -p',
    'git diff-index -p HEAD',
    'git log --all --graph',
    'git submodule status',
    'git for-each-ref',
    'ls *',
    'cat *',
    'wc -l *',
    'grep -r one .',
    'grep one *',
    'head *',
    'md5sum *',
    'sort -- *.txt',
    'find . -type f',
    'find *.txt -type f',
    'stat *',
    'du *',
    'rg one',
    'awk 1 *',
    'file ./*',
    'diff *.txt',
    'less a.txt',
    'man ls',
    'more a.txt',
    'zcat a.gz',
    'npm ls',
    'npm --version',
    'node --version',
    'python3 --version',
    'pip --version',
    'pip list',
    'perl -v',
    'tar -tf a.tar',
    'echo *',
    'printf "%s\\n" *',
    '[ -f * ]',
    'cal',
    'bc <<< 1+2',
    'xxd a.txt',
    'source .venv/bin/activate && ls',
  ].map((command) => ({ command }))
}

/** Runs a plan as the hub would, in the sandbox. Tells whether the program could be started. */
function run(plan: Plan): Promise<boolean> {
  const argv =
    plan.kind === 'argv' ? plan.argv : ['bash', '--noprofile', '--norc', '-c', plan.script]
  const environment = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/h',
    LANG: 'C.UTF-8',
    ...plan.env,
  }
  const settings = Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value])
  const sandbox = [
    '--ro-bind',
    '/',
    '/',
    '--dev',
    '/dev',
    '--proc',
    '/proc',
    '--tmpfs',
    '/tmp',
    '--tmpfs',
    '/run',
    '--tmpfs',
    '/var/tmp',
    '--bind',
    join(root, 'p'),
    '/p',
    '--bind',
    join(root, 'h'),
    '/h',
  ]
  return new Promise((resolve) => {
    const child = spawn(
      'bwrap',
      [
        '--tmpfs',
        '/mnt',
        ...rootedAt(sandbox),
        '--unshare-all',
        '--die-with-parent',
        '--new-session',
        '--clearenv',
        ...settings,
        '--chdir',
        '/p',
        ...argv,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '' } },
    )
    let errors = ''
    child.stdout.resume()
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < 2000) errors += text
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), commandMs)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve(!(code === 1 && errors.startsWith('bwrap: ')) && code !== 127)
    })
  })
}

/** `/p` and `/h` have to be made, which a root that is bound read-only does not allow: its entries are bound one by one. */
function rootedAt(args: readonly string[]): string[] {
  const entries = readdirSync('/').filter(
    (name) => !['dev', 'proc', 'tmp', 'run', 'p', 'h', 'mnt'].includes(name),
  )
  const bound = entries.flatMap((name) => {
    const path = `/${name}`
    return lstatSync(path).isSymbolicLink()
      ? ['--symlink', readlinkSync(path), path]
      : ['--ro-bind', path, path]
  })
  return [...bound, ...args.slice(3)]
}

function snapshot(): Map<string, string> {
  const found = new Map<string, string>()
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name)
      const { mode, size, mtimeMs } = lstatSync(path)
      const content = entry.isFile()
        ? createHash('sha1').update(readFileSync(path)).digest('hex')
        : ''
      found.set(path, `${mode} ${size} ${entry.isFile() ? mtimeMs : ''} ${content}`)
      if (entry.isDirectory()) walk(path)
    }
  }
  walk(root)
  return found
}

function difference(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths]
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => path.slice(root.length))
    .filter((path) => !housekeeping.test(path))
}

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { TrustManager } from '#hub/trust/trust-manager.ts'
import { openShipped } from './rules-in-force.ts'

let trust: TrustManager
let root = ''

beforeAll(async () => {
  trust = await openShipped()
  root = mkdtempSync(join(tmpdir(), 'git-hardening-'))
  makeRepository()
})

afterAll(async () => {
  await trust.close()
  rmSync(root, { recursive: true, force: true })
})

const quiet = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  GIT_CONFIG_NOSYSTEM: '1',
}

function environment(): Record<string, string> {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: root, LC_ALL: 'C', ...quiet }
}

function git(directory: string, ...args: string[]): string {
  return execFileSync('git', ['-C', join(root, directory), ...args], {
    encoding: 'utf8',
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function file(path: string, text: string): void {
  writeFileSync(join(root, path), text)
}

function commit(directory: string, message: string): void {
  git(directory, 'add', '-A')
  git(directory, 'commit', '-qm', message)
}

/** A work tree with a submodule, a stash, a merge, what is renamed, changed and untracked. */
function makeRepository(): void {
  for (const name of ['inner', 'outer']) {
    execFileSync('git', ['init', '-q', '-b', 'main', join(root, name)], { env: environment() })
    file(`${name}/a.txt`, 'one\ntwo\nthree\n')
    file(`${name}/.gitattributes`, '*.txt diff=hostile merge=hostile\n')
    commit(name, 'first')
  }
  git('outer', '-c', 'protocol.file.allow=always', 'submodule', '-q', 'add', '../inner', 'sub')
  commit('outer', 'with a submodule')
  git('outer', 'checkout', '-qb', 'side')
  file('outer/a.txt', 'ONE\ntwo\nthree\n')
  commit('outer', 'side')
  git('outer', 'checkout', '-q', 'main')
  file('outer/a.txt', 'one\ntwo\nTHREE\n')
  commit('outer', 'main')
  git('outer', 'merge', '-q', 'side', '-m', 'merged')
  file('outer/a.txt', 'one\ntwo\nstashed\n')
  git('outer', 'stash', '-q')
  git('outer', 'mv', '.gitattributes', 'moved')
  git('outer', 'mv', 'moved', '.gitattributes')
  file('outer/b.txt', 'b\n')
  git('outer', 'add', 'b.txt')
  git('outer', 'mv', 'b.txt', 'c.txt')
  file('outer/a.txt', 'changed\n')
  file('outer/untracked.txt', 'u\n')
  // Changed in both ways: another commit, and a work tree that is not clean.
  file('outer/sub/a.txt', 'a new commit\n')
  commit('outer/sub', 'second')
  file('outer/sub/a.txt', 'and dirty\n')
  // A directory that a clone could carry: git takes it for a repository of its own.
  execFileSync('git', ['clone', '-q', '--bare', join(root, 'inner'), join(root, 'outer/carried')], {
    env: environment(),
  })
}

/** Makes every configuration name a program that leaves a trace. */
function turnHostile(): void {
  const program = join(root, 'evil')
  writeFileSync(program, `#!/bin/sh\necho "$@" >> ${join(root, 'trace')}\ncat\n`, { mode: 0o755 })
  for (const directory of ['outer', 'outer/sub', 'outer/carried']) {
    for (const key of [
      'core.fsmonitor',
      'diff.external',
      'diff.hostile.textconv',
      'diff.hostile.command',
      'merge.hostile.driver',
      'gpg.program',
      'core.pager',
    ])
      git(directory, 'config', key, program)
    git(directory, 'config', 'diff.submodule', 'diff')
    git(directory, 'config', 'log.diffMerges', 'remerge')
    git(directory, 'config', 'log.showSignature', 'true')
    git(directory, 'config', 'core.attributesFile', join(root, 'attributes'))
  }
  file('attributes', '* diff=hostile\n')
}

function run(command: string): string {
  const { level, plan, reasons } = trust.classifyCommand(command)
  expect({ command, level, reasons }).toMatchObject({ level: 'SAFE' })
  const argv = plan.kind === 'argv' ? plan.argv : ['bash', '--norc', '-c', plan.script]
  const [program = '', ...args] = argv
  const result = spawnSync(program, args, {
    cwd: join(root, 'outer'),
    encoding: 'utf8',
    env: { ...environment(), ...plan.env },
  })
  return result.stdout
}

const readings = [
  'git status',
  'git status --short --branch',
  'git status --porcelain=v2',
  'git diff',
  'git diff --stat',
  'git diff HEAD',
  'git diff --cached',
  'git log -p',
  'git log -3 --stat',
  'git log -m -p -1',
  'git log --cc -p',
  'git show',
  'git show HEAD~1',
  'git stash show',
  'git stash show -p',
  'git stash list',
  'git reflog',
  'git blame a.txt',
  'git diff-files',
  'git diff-index HEAD',
  'git diff-tree -p HEAD~1',
  'git ls-files -m',
  'git ls-files --others',
  'git describe --always --dirty',
  'git submodule status',
  'git grep -n changed',
  'git branch -vv',
  'git shortlog -sn HEAD',
]

describe('what is added to git', () => {
  test.each(readings)('does not change what it says: %s', (command) => {
    const [, ...args] = command.split(' ')
    const plain = git('outer', ...args)
    expect(run(command)).toBe(plain)
    expect(plain).not.toBe('')
  })

  test('keeps every program that a configuration names from being started', () => {
    turnHostile()
    const started: string[] = []
    for (const command of [
      ...readings,
      'git -C carried log -p',
      'git -C carried show',
      'git log -p --first-parent',
      'git log --format=%G?',
      'cd sub && git diff',
      'git ls-files | xargs git log -p -1 --',
    ]) {
      run(command)
      if (existsSync(join(root, 'trace'))) started.push(command)
      rmSync(join(root, 'trace'), { force: true })
    }
    expect(started).toEqual([])
    // The trap works: git alone starts it.
    git('outer', 'status')
    expect(existsSync(join(root, 'trace'))).toBe(true)
  })
})

describe('every sub-command of the installed git that shows a patch', () => {
  const patching = execFileSync('git', ['--list-cmds=main'], { encoding: 'utf8' })
    .split('\n')
    .filter(
      (name) => name !== '' && !/^(?:gui|citool|daemon|shell|instaweb)|helper|http/.test(name),
    )

  test('is asked about, or gets both options of the plan', () => {
    const bare: string[] = []
    const words = patching.flatMap((name) => [name, `${name} show`, `${name} list`])
    let shown = 0
    for (const word of words) {
      for (const option of ['-p', '--patch', '-up', '-U3', '--patch-with-stat', '--cc', '-c']) {
        const { level, plan } = trust.classifyCommand(`git ${word} ${option}`)
        if (level !== 'SAFE' || plan.kind !== 'argv') continue
        const takesPatch =
          !/^(?:blame|annotate|cat-file|grep|ls-|show-ref|rev-|branch|tag|status|check|for-each|name-rev|count|merge-base|describe|cherry|patch-id|column|verify|get-tar|show-branch|symbolic|shortlog|stash list|reflog|config|version|help)/.test(
            word,
          )
        if (!takesPatch) continue
        shown += 1
        if (!plan.argv.includes('--no-textconv') || !plan.argv.includes('--no-ext-diff'))
          bare.push(`${word} ${option}`)
      }
    }
    expect(bare).toEqual([])
    expect(shown).toBeGreaterThan(20)
  })
})

test.each([
  'env -i git status',
  'env -u GIT_OPTIONAL_LOCKS git status',
  'env --unset=GIT_ALLOW_PROTOCOL git log',
  'env - git status',
  'env -i nice git diff',
  'nice env -i timeout 5 git diff',
  'env -iu X pip list',
  'env -u GOTOOLCHAIN go version',
  'env --ignore-environment npm ls',
  // It starts a `git log` that none of the options reaches.
  'git range-diff HEAD~2..HEAD~1 HEAD~1..HEAD',
  'git log --remerge-diff',
  'git log --diff-merges=remerge',
  'git diff --submodule=diff',
  'git log --ext-diff -p',
  'git show --textconv',
  'git -c core.fsmonitor=./x status',
  'git -c core.pager=./x log',
])('what would take the hardening off is asked about: %s', (command) => {
  expect(trust.classifyCommand(command).level).toBe('REVIEW')
})

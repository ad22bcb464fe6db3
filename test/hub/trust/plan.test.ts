import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Plan } from '@centralpost/shared'
import type { TrustManager } from '#hub/trust/trust-manager.ts'
import { openShipped } from './rules-in-force.ts'

let trust: TrustManager
let folder: string

beforeAll(async () => {
  trust = await openShipped()
  folder = mkdtempSync(join(tmpdir(), 'plan-'))
  writeFileSync(join(folder, 'a.txt'), 'one\ntwo\nthree\n')
  writeFileSync(join(folder, 'b c.txt'), 'four\n')
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await trust.close()
})

function planOf(command: string | readonly string[]): Plan {
  return trust.classifyCommand(command).plan
}

describe('what would be executed', () => {
  test('one simple static command is an argv', () => {
    expect(planOf('ls -la "a b"')).toEqual({ kind: 'argv', argv: ['ls', '-la', 'a b'] })
    expect(planOf('/bin/ls')).toEqual({ kind: 'argv', argv: ['/bin/ls'] })
    expect(planOf("l's' \\-l")).toEqual({ kind: 'argv', argv: ['ls', '-l'] })
    expect(planOf('LC_ALL=C sort f')).toEqual({
      kind: 'argv',
      argv: ['sort', 'f'],
      env: { LC_ALL: 'C' },
    })
  })

  test('a compound is printed again with every word quoted', () => {
    expect(planOf('ls -la|wc -l 2>/dev/null')).toEqual({
      kind: 'script',
      script: "'ls' '-la' | 'wc' '-l' 2> '/dev/null'",
    })
    expect(planOf('ls *.txt')).toEqual({ kind: 'script', script: "'ls' *'.txt'" })
    expect(planOf('cat "$HOME"/x')).toEqual({ kind: 'script', script: "'cat' \"$HOME\"'/x'" })
    expect(planOf("echo 'it'\\''s' && ls")).toEqual({
      kind: 'script',
      script: "'echo' 'it'\\''s' && 'ls'",
    })
  })

  test('builtins without a program of the same effect run in bash', () => {
    for (const command of [
      'type ls',
      'command -v git',
      'pwd',
      "printf '%q' x",
      'cd /',
      'echo -e x',
      'ulimit -a',
    ]) {
      expect({ command, kind: planOf(command).kind }).toEqual({ command, kind: 'script' })
    }
    for (const command of ['echo x', 'test -f x', '[ -f x ]', 'true']) {
      expect({ command, kind: planOf(command).kind }).toEqual({ command, kind: 'argv' })
    }
  })

  test('what a person decides on is an argv where no shell is needed, else exactly the text', () => {
    expect(planOf('touch x')).toEqual({ kind: 'argv', argv: ['touch', 'x'] })
    expect(planOf('touch x > y')).toEqual({ kind: 'script', script: 'touch x > y' })
    expect(planOf('X=1 touch x')).toEqual({ kind: 'script', script: 'X=1 touch x' })
    expect(planOf('eval  "touch x"')).toEqual({ kind: 'script', script: 'eval  "touch x"' })
    expect(planOf('touch ~/x')).toEqual({ kind: 'script', script: 'touch ~/x' })
    expect(planOf(['touch', '$(x)'])).toEqual({ kind: 'argv', argv: ['touch', '$(x)'] })
  })

  test('a virtual environment is applied by the hub, its file is not run', () => {
    expect(planOf('source .venv/bin/activate')).toEqual({
      kind: 'argv',
      argv: ['true'],
      venv: '.venv',
    })
    expect(planOf('. ./venv/bin/activate && pip list')).toMatchObject({
      kind: 'script',
      script: "'true' && 'pip' 'list'",
      venv: 'venv',
    })
    const inside = trust.classifyCommand('cd app && source .venv/bin/activate', { cwd: '/srv' })
    expect(inside.plan.venv).toBe('/srv/app/.venv')
  })

  test('git reads are hardened by words that no wrapper takes off, and by environment', () => {
    const plan = planOf('git -C sub log -1')
    expect(plan).toMatchObject({
      kind: 'argv',
      env: { GIT_PAGER: 'cat', GIT_ALLOW_PROTOCOL: 'none' },
    })
    const argv = plan.kind === 'argv' ? plan.argv : []
    const from = argv.indexOf('-C')
    expect(argv.slice(from)).toEqual(['-C', 'sub', 'log', '--no-ext-diff', '--no-textconv', '-1'])
    const settings = argv.slice(1, from)
    expect(settings.filter((_, at) => at % 2 === 0).every((word) => word === '-c')).toBe(true)
    expect(settings).toContain('core.fsmonitor=false')
    expect(settings).toContain('safe.bareRepository=explicit')
    expect(planOf('timeout 5 git diff | head')).toMatchObject({
      script: expect.stringMatching(
        /^'timeout' '5' 'git' '-c' 'core\.fsmonitor=false' .* 'diff' '--no-ext-diff' '--no-textconv' \| 'head'$/,
      ),
    })
    // What the plan says is read again as the same.
    expect(trust.classifyCommand(argv).level).toBe('SAFE')
  })
})

describe('the printed script does what the text does', () => {
  test.each([
    'cat a.txt | sort -r',
    'ls && echo done || echo not',
    'cat *.txt',
    'cat ~/a.txt; ls ~',
    'cat "$HOME/a.txt" $HOME/a.txt',
    'echo \'a  b\' "c" d\\ e | tr a-z A-Z',
    'wc -l < a.txt',
    'cat <<E\nx y\n  z\nE',
    "cat <<'E'\n$HOME `x` \\\nE",
    'cat <<-E\n\ta\n\tb\n\tE',
    'grep two <<< "one two"',
    '! grep -q nine a.txt && echo absent',
    '(cd / && pwd); pwd',
    '{ echo a; echo b; } | wc -l',
    'if [ -f a.txt ]; then echo yes; else echo no; fi',
    'for f in *.txt; do echo "$f"; done',
    'for i in 1 2 3; do echo $i; done | paste -sd,',
    'echo {1..3} {a,b}.txt',
    'echo $((1+2)) "$((3*4))"',
    'echo "n: $(cat a.txt | wc -l)"',
    'echo $(echo a b | wc -w)',
    'printf "%s\\n" a "b c" | nl -ba',
    "echo $'a\\tb'",
    'diff <(cat a.txt) <(cat a.txt) && echo same',
    '[[ -f a.txt && ! -d a.txt ]] && echo file',
    'ls missing 2>&1 | wc -l',
    'awk \'{print NR": "$1}\' a.txt',
    'while :; do break; done; echo out',
    'echo ${HOME:+set}',
    'ls ./*',
    'test -f a.txt || echo gone; true',
    "sed -n '2p' a.txt",
  ])('%s', (command) => {
    const verdict = trust.classifyCommand(command)
    expect({ level: verdict.level, reasons: verdict.reasons }).toMatchObject({ level: 'SAFE' })
    expect(outputOf(verdict.plan)).toBe(run(['bash', '--noprofile', '--norc', '-c', command]))
  })
})

test('planning a script that was printed gives the same script', () => {
  for (const command of [
    'ls -la | wc -l',
    'cat *.txt && echo "$HOME"',
    'if [ -f a ]; then ls; fi',
    'cat <<E\na\nE',
  ]) {
    const first = planOf(command)
    if (first.kind !== 'script') throw new Error(`${command} is planned as ${first.kind}`)
    expect(planOf(first.script)).toEqual(first)
  }
})

function outputOf(plan: Plan): string {
  return run(
    plan.kind === 'argv' ? plan.argv : ['bash', '--noprofile', '--norc', '-c', plan.script],
  )
}

function run(argv: readonly string[]): string {
  const [program = '', ...args] = argv
  return execFileSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder },
  })
}

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { TrustManager } from '#hub/trust/trust-manager.ts'
import { openShipped } from '../rules-in-force.ts'

let trust: TrustManager

beforeAll(async () => {
  trust = await openShipped()
})

afterAll(() => trust.close())

const levelOf = (command: string): string =>
  trust.classifyCommand(command, { cwd: '/w', home: '/home/me' }).level

describe('a loop over words that are known is judged turn by turn', () => {
  test.each([
    'for f in a b; do head "$f"; done',
    'for f in *.md; do echo "== $f =="; cat "$f"; done',
    'for d in src test; do (cd "$d" && ls); done',
    'for i in 1 2; do sed -n "${i}p" a.txt; done',
    'for f in src/*.ts; do wc -l "$f"; done; ls',
  ])('%s reads', (command) => {
    expect(levelOf(command)).toBe('SAFE')
  })

  test.each([
    ['one of the words is private', 'for f in a .env; do cat "$f"; done'],
    ['a word is private behind what stands before it', 'for f in env; do cat ".$f"; done'],
    ['a pattern is after what is private', 'for f in .e?v; do cat "$f"; done'],
    ['a word is an option that acts', 'for f in a -delete; do find . $f; done'],
    ['the turn before has left the directory', 'for d in /proc/1 environ; do cd $d; cat $d; done'],
    ['what it runs is not known to read', 'for f in a; do bash "$f"; done'],
  ])('and asks where %s', (_why, command) => {
    expect(levelOf(command)).toBe('REVIEW')
  })

  test.each([
    ['read', 'for f in a; do read f < list; cat "$f"; done'],
    ['an inner loop', 'for f in a; do for f in b; do :; done; cat "$f"; done'],
    ['printf -v', 'for f in a; do printf -v f %s .env; cat "$f"; done'],
    ['an expansion', 'for f in a; do : ${f:=x}; cat "$f"; done'],
    ['a list that is not known', 'for f in $(ls); do cat "$f"; done'],
    ['the end of the loop', 'for f in a; do ls; done; cat "$f"'],
    ['splitting', 'for f in "a b"; do cat $f; done'],
  ])('a variable that is changed by %s is not known', (_how, command) => {
    expect(levelOf(command)).toBe('REVIEW')
  })

  test('what is BLOCKED in one turn is BLOCKED', () => {
    expect(levelOf('for x in a /etc/shadow; do cat $x; done')).toBe('BLOCKED')
  })

  test('each part is told once, and every turn is a part for the confinement and for an approval', () => {
    const { verdict, parts } = trust.judge('for f in a.sh b.sh; do bash "$f"; done', { cwd: '/w' })
    expect(verdict.units.map(({ text }) => text)).toHaveLength(1)
    expect(parts.map(({ words }) => words[1]?.value)).toEqual(['a.sh', 'b.sh'])
  })

  test('the plan hardens a command of the body once', () => {
    const { plan } = trust.classifyCommand('for d in a b; do git -C "$d" status; done', {
      cwd: '/w',
    })
    expect(JSON.stringify(plan).match(/core\.fsmonitor/g)).toHaveLength(1)
  })
})

test('echo prints what begins with a dash, whatever else the word holds', () => {
  expect(levelOf('echo "--- $HOSTNAME ---"')).toBe('SAFE')
})

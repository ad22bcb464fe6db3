import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Part } from '@centralpost/shared'
import type { TrustManager } from '#hub/trust/trust-manager.ts'
import { openShipped } from '../rules-in-force.ts'

let trust: TrustManager

beforeAll(async () => {
  trust = await openShipped()
})

afterAll(() => trust.close())

function partsOf(command: string | readonly string[]): readonly Part[] {
  return trust.judge(command, { cwd: '/w', home: '/home/me' }).parts
}

const plain = (parts: readonly Part[]) =>
  parts.map(({ program, words, cwd }) => ({
    program,
    words: words.slice(1).map(({ value }) => value),
    cwd,
  }))

test('every part tells its program, its words and where it works, quotes and homes resolved', () => {
  expect(plain(partsOf(`cd -- ~/"a b" && g\\rep -n 'x y' f | head -3`))).toEqual([
    { program: 'cd', words: ['--', '/home/me/a b'], cwd: '/w' },
    { program: 'grep', words: ['-n', 'x y', 'f'], cwd: '/home/me/a b' },
    { program: 'head', words: ['-3'], cwd: '/home/me/a b' },
  ])
})

test('a directory that is only known when it runs is no directory', () => {
  expect(partsOf('cd "$X"; ls f').map(({ cwd }) => cwd)).toEqual(['/w', undefined])
})

describe('what a wrapper runs is a part of its own', () => {
  test.each([
    ['timeout 5 ps aux', ['timeout', 'ps']],
    ["bash -c 'ls; df'", ['bash', 'ls', 'df']],
    ['find . -exec head {} +', ['find', 'head']],
    ['ls | xargs -n1 wc -l', ['ls', 'xargs', 'wc']],
    ['echo $(ps)', ['ps', 'echo']],
  ])('%s', (command, programs) => {
    expect(partsOf(command).map(({ program }) => program)).toEqual(programs)
  })

  test('and says what is added when it runs', () => {
    expect(partsOf('ls | xargs -n1 wc -l').map(({ isAppended }) => isAppended)).toEqual([
      false,
      false,
      true,
    ])
  })
})

test('words say what they are to the program, and redirections what they open', () => {
  const [part] = partsOf('grep -e x --include=*.c f < in 2>/dev/null')
  expect(part?.roles).toEqual(['operand', 'flag', 'value', 'value', 'path'])
  expect(part?.redirects.map(({ operator, target }) => [operator, target.value])).toEqual([
    ['<', 'in'],
    ['>', '/dev/null'],
  ])
})

test('more commands than are judged are not a whole', () => {
  expect(trust.judge('ls;'.repeat(150)).isWhole).toBe(true)
  expect(trust.judge('ls;'.repeat(250)).isWhole).toBe(false)
  expect(trust.judge('ls "').isWhole).toBe(false)
})

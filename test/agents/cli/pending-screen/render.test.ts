import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { cut, widthOf, wrapped } from '#agents/cli/pending-screen/fit-text.ts'
import { render } from '#agents/cli/pending-screen/render.ts'
import {
  firstState,
  type Mode,
  type ScreenState,
  withNotice,
  withPending,
} from '#agents/cli/pending-screen/screen-state.ts'
import { askedFor } from '../../../support/asked.ts'

const hostile = `echo \u001b[2J\u001b]0;title\u0007\u202e gnp.exe \u200b${' '.repeat(60)}; touch x 漢字👩‍👩‍👧 e${'\u0301'.repeat(40)}\r\n\u009b31m`

const colour = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

const stateOf = (...commands: readonly string[]): ScreenState =>
  withPending(
    firstState('alice'),
    commands.map((command) => askedFor(command, { context: command, cwd: `/srv/${command}` })),
    0,
  )

const drawn = (state: ScreenState, columns: number, rows: number): string[] =>
  render(state, { columns, rows }, Date.now()).rows.map((row) => stripVTControlCharacters(row))

const modes: ((state: ScreenState) => Mode)[] = [
  () => ({ kind: 'list' }),
  () => ({ kind: 'help' }),
  ({ pending: [asked] }) => ({ kind: 'full', asked: asked ?? askedFor('x'), from: 0 }),
  ({ pending: [asked] }) => ({ kind: 'deny', asked: asked ?? askedFor('x'), reason: hostile }),
  ({ pending: [asked] }) => ({ kind: 'always', asked: asked ?? askedFor('x') }),
]

describe.each([
  [20, 6],
  [40, 14],
  [80, 24],
  [200, 60],
  [1, 1],
])('on a terminal of %d columns and %d rows', (columns, rows) => {
  test.each(modes)(
    'nothing is wider or longer than it, and nothing hostile gets through',
    (mode) => {
      const base = withNotice(stateOf(hostile, 'mkdir one'), hostile.replaceAll(/[^ -~]/g, '?'))
      const state = { ...base, mode: mode(base) }
      const raw = render(state, { columns, rows }, Date.now()).rows
      expect(raw.length).toBeLessThanOrEqual(rows)
      for (const row of raw) {
        // colours are all the control there is
        const plain = row.replaceAll(colour, '')
        expect(plain).not.toMatch(/[\p{Cc}\u202e\u200b\u2028]/u)
        expect(widthOf(plain)).toBeLessThanOrEqual(Math.max(2, columns))
      }
    },
  )
})

test('what is invisible is spelled out, and padding hides nothing', () => {
  const text = drawn(stateOf(hostile), 100, 40).join('\n')
  expect(text).toContain(String.raw`\x1b[2J`)
  expect(text).toContain(String.raw`\u{202e}`)
  expect(text).toContain('⟨60 spaces⟩ ; touch x')
})

test('the whole of a command can be read, however narrow the terminal is', () => {
  const command = Array.from({ length: 200 }, (_, at) => `word${at}`).join(' ')
  const state = stateOf(command)
  const [asked] = state.pending
  if (asked === undefined) throw new Error('nothing waits')
  const rows: string[] = []
  for (let from = 0; ; from += 5) {
    const view = render(
      { ...state, mode: { kind: 'full', asked, from } },
      { columns: 30, rows: 7 },
      0,
    )
    rows.push(...view.rows.slice(1, 6).map((row) => stripVTControlCharacters(row)))
    if (from >= view.view.lastFrom) break
  }
  const letters = rows.join('').replaceAll(/\s/g, '')
  expect(letters).toContain(command.replaceAll(' ', ''))
})

test('what does not fit beside the list is said, and counts as not shown', () => {
  const state = stateOf('x'.repeat(5000))
  const { rows, view } = render(state, { columns: 80, rows: 24 }, 0)
  expect(view.isWhole).toBe(false)
  expect(rows.join('\n')).toContain('… more: enter')
  expect(render(stateOf('mkdir x'), { columns: 80, rows: 24 }, 0).view.isWhole).toBe(true)
})

test('a hub that is away is said in the first row', () => {
  const [head] = drawn({ ...stateOf('x'), isUpToDate: false }, 80, 24)
  expect(head).toContain('NO HUB')
})

test('500 that wait are drawn in a moment', () => {
  const state = stateOf(...Array.from({ length: 500 }, () => hostile))
  const from = performance.now()
  for (let nth = 0; nth < 10; nth += 1) render(state, { columns: 120, rows: 50 }, Date.now())
  expect((performance.now() - from) / 10).toBeLessThan(500)
})

test.each([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['漢字', 4, '漢字'],
  ['漢字', 3, '漢…'],
  ['', 0, ''],
])('%j in %d columns is %j', (text, columns, expected) => {
  expect(cut(text, columns)).toBe(expected)
})

test('wrapping leaves nothing out', () => {
  const text = 'a few words, and then averyverylongoneindeed 漢字漢字'
  for (const columns of [2, 5, 9, 20]) expect(wrapped(text, columns).join('')).toBe(text)
})

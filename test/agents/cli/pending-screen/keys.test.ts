import { describe, expect, test } from '@jest/globals'
import {
  type Effect,
  firstState,
  type ScreenState,
  withPending,
} from '#agents/cli/pending-screen/screen-state.ts'
import { type Key, press, type ScreenView } from '#agents/cli/pending-screen/keys.ts'
import { askedFor } from '../../../support/asked.ts'

const whole: ScreenView = { isWhole: true, page: 5, lastFrom: 0 }
const long: ScreenView = { isWhole: false, page: 5, lastFrom: 12 }

const key = (name: string): Key => ({ name, text: name.length === 1 ? name : '' })

function play(state: ScreenState, names: readonly string[], view = whole, now = 10_000) {
  const effects: Effect[] = []
  for (const name of names) {
    const pressed = press(state, key(name), view, now)
    state = pressed.state
    if (pressed.effect) effects.push(pressed.effect)
  }
  return { state, effects }
}

const listOf = (...commands: readonly string[]): ScreenState =>
  withPending(
    firstState('alice'),
    commands.map((command) => askedFor(command)),
    0,
  )

describe('in the list', () => {
  test('a approves what is selected, with its own digest', () => {
    const state = listOf('one', 'two')
    const { effects } = play(state, ['j', 'a'])
    expect(effects).toMatchObject([{ kind: 'approve', asked: { command: 'two' } }])
    expect(play(state, ['j', 'k', 'a']).effects).toMatchObject([{ asked: { command: 'one' } }])
  })

  test('a decision that is under way is not made twice', () => {
    expect(play(listOf('one'), ['a', 'a', 'a']).effects).toHaveLength(1)
  })

  test('what does not fit on the screen must be read to its end before it is approved', () => {
    const state = listOf('one')
    expect(play(state, ['a', 'a'], long).effects).toEqual([])
    expect(play(state, ['a', 'G', 'a'], long).effects).toHaveLength(1)
    expect(
      play(state, ['return', 'space', 'space', 'space', 'escape', 'a'], long).effects,
    ).toHaveLength(1)
  })

  test('a high risk is asked about once more', () => {
    const risky = withPending(
      firstState('alice'),
      [askedFor('sudo x', { risk: { level: 'high', score: 60, parts: [] } })],
      0,
    )
    expect(play(risky, ['a']).effects).toEqual([])
    expect(play(risky, ['a', 'a', 'n']).effects).toEqual([])
    expect(play(risky, ['a', 'y']).effects).toHaveLength(1)
  })

  test('a paste presses no key', () => {
    const { state } = press(listOf('one'), { name: 'paste', text: 'a\ny\n' }, whole, 10_000)
    expect(state.mode.kind).toBe('list')
    expect(state.deciding.size).toBe(0)
  })

  test('an empty list takes no decision', () => {
    expect(play(listOf(), ['a', 'A', 'd', 'return', 'j']).effects).toEqual([])
  })

  test('q and Ctrl-C quit', () => {
    expect(play(listOf(), ['q']).effects).toEqual([{ kind: 'quit' }])
    expect(play(listOf('one'), ['d', 'ctrl-c']).effects).toEqual([{ kind: 'quit' }])
  })
})

describe('when the list changes', () => {
  test('the selection stays on its action, wherever that is now', () => {
    const [one, two] = [askedFor('one'), askedFor('two')]
    const state = play(withPending(firstState('alice'), [one, two], 0), ['j']).state
    const { effects } = play(withPending(state, [askedFor('zero'), two], 0), ['a'], whole, 1)
    expect(effects).toMatchObject([{ asked: { command: 'two' } }])
  })

  test('a selection that moved by itself holds decisions back for a moment', () => {
    const [one, two] = [askedFor('one'), askedFor('two')]
    const state = withPending(withPending(firstState('alice'), [one, two], 0), [two], 5_000)
    expect(play(state, ['a'], whole, 5_100).effects).toEqual([])
    expect(play(state, ['a'], whole, 6_100).effects).toMatchObject([{ asked: { command: 'two' } }])
  })

  test('a question about an action that is gone, or has changed, is taken away', () => {
    const one = askedFor('one')
    const asking = play(withPending(firstState('alice'), [one], 0), ['d', 'n', 'o']).state
    expect(asking.mode).toMatchObject({ kind: 'deny', reason: 'no' })
    expect(withPending(asking, [one, askedFor('two')], 0).mode.kind).toBe('deny')
    expect(withPending(asking, [], 0).mode.kind).toBe('list')
    expect(withPending(asking, [{ ...one, digest: 'other' }], 0).mode.kind).toBe('list')
  })
})

describe('deny', () => {
  test('asks for a reason, and takes none without', () => {
    const state = listOf('one')
    expect(play(state, ['d', 'return']).effects).toEqual([])
    expect(play(state, ['d', 'space', 'return']).effects).toEqual([])
    const { effects } = play(state, ['d', 'n', 'x', 'backspace', 'o', 'return'])
    expect(effects).toMatchObject([{ kind: 'deny', reason: 'no' }])
  })

  test('takes a pasted reason as one line, and is left with escape', () => {
    const asking = play(listOf('one'), ['d']).state
    const { state } = press(asking, { name: 'paste', text: 'two\nlines' }, whole, 10_000)
    expect(state.mode).toMatchObject({ reason: 'two lines' })
    expect(play(state, ['escape']).state.mode.kind).toBe('list')
  })
})

describe('always', () => {
  test('shows the rule, and makes it only after a yes', () => {
    const state = listOf('one')
    const asked = play(state, ['A', '1']).state
    expect(asked.mode).toMatchObject({ kind: 'confirm', decision: { rule: 'exactly one' } })
    const { effects } = play(asked, ['y'])
    expect(effects).toMatchObject([{ decision: { decision: 'approve_always_exact' } }])
    expect(play(asked, ['escape']).effects).toEqual([])
  })

  test('takes no rule that is not offered', () => {
    const { state, effects } = play(listOf('one'), ['A', '2', 'y'])
    expect(state.mode.kind).toBe('always')
    expect(state.notices.at(-1)).toContain('it runs what it is given')
    expect(effects).toEqual([])
  })
})

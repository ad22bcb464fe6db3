import { alwaysDecisions, type ApprovalNeeded, visible } from '@centralpost/shared'
import { pendingKeyOf } from '../../operator/pending-watch.ts'
import {
  type ScreenDecision,
  type Effect,
  type Mode,
  type ScreenState,
  selectedOf,
  withNotice,
} from './screen-state.ts'

/** A key press: a name such as `up` or `return`, or the character itself. */
export interface Key {
  readonly name: string
  /** the text that the key types */
  readonly text: string
}

export interface Pressed {
  readonly state: ScreenState
  readonly effect?: Effect
}

/** The visible part of the screen: approving requires the whole action to have been shown. */
export interface ScreenView {
  /** whether the full view of the selected action fits beside the list */
  readonly isWhole: boolean
  /** rows per page of the full view, and its last start row */
  readonly page: number
  readonly lastFrom: number
}

const once: ScreenDecision = { decision: 'approve_once', rule: null }
const longestReason = 1024

/** Maps a key to the next state. Has no side effects: `effect` names them. */
export function press(state: ScreenState, key: Key, view: ScreenView, now: number): Pressed {
  if (key.name === 'ctrl-c') return { state, effect: { kind: 'quit' } }
  switch (state.mode.kind) {
    case 'list':
      return pressInList(state, key, view, now)
    case 'full':
      return pressInFull(state, state.mode, key, view)
    case 'deny':
      return pressInDeny(state, state.mode, key)
    case 'always':
      return pressInAlways(state, state.mode.asked, key)
    case 'confirm':
      return pressInConfirm(state, state.mode, key)
    case 'help':
      return key.name === 'q' || key.name === 'paste' ? { state } : back(state)
  }
}

const back = (state: ScreenState): Pressed => ({ state: inMode(state, { kind: 'list' }) })
const inMode = (state: ScreenState, mode: Mode): ScreenState => ({ ...state, mode })
const isBack = ({ name }: Key): boolean => name === 'escape' || name === 'q'

function pressInList(state: ScreenState, key: Key, view: ScreenView, now: number): Pressed {
  switch (key.name) {
    case 'q':
      return { state, effect: { kind: 'quit' } }
    case '?':
    case 'h':
      return { state: inMode(state, { kind: 'help' }) }
    case 'j':
    case 'down':
      return { state: moved(state, 1) }
    case 'k':
    case 'up':
      return { state: moved(state, -1) }
    case 'g':
    case 'home':
      return { state: moved(state, -state.pending.length) }
    case 'G':
    case 'end':
      return { state: moved(state, state.pending.length) }
    case 'pagedown':
      return { state: moved(state, 10) }
    case 'pageup':
      return { state: moved(state, -10) }
    default:
  }
  const asked = selectedOf(state)
  if (asked === undefined) return { state }
  if (key.name === 'return') return { state: opened(state, asked) }
  if (key.name !== 'a' && key.name !== 'A' && key.name !== 'd') return { state }
  if (now < state.holdUntil) {
    return {
      state: withNotice(state, 'the list has just moved: check the selected action, then decide'),
    }
  }
  return decide(state, asked, key, view.isWhole || state.read.has(asked.digest))
}

function pressInFull(
  state: ScreenState,
  mode: Extract<Mode, { kind: 'full' }>,
  key: Key,
  view: ScreenView,
): Pressed {
  const { digest } = mode.asked
  const scroll = (by: number): Pressed => {
    const from = Math.min(Math.max(0, mode.from + by), view.lastFrom)
    const read = from === view.lastFrom ? new Set([...state.read, digest]) : state.read
    return { state: { ...inMode(state, { ...mode, from }), read } }
  }
  switch (key.name) {
    case 'j':
    case 'down':
      return scroll(1)
    case 'k':
    case 'up':
      return scroll(-1)
    case 'space':
    case 'pagedown':
      return scroll(view.page)
    case 'b':
    case 'pageup':
      return scroll(-view.page)
    case 'g':
    case 'home':
      return scroll(-view.lastFrom)
    case 'G':
    case 'end':
      return scroll(view.lastFrom)
    case 'a':
    case 'A':
    case 'd': {
      const isRead = mode.from >= view.lastFrom || state.read.has(digest)
      if (isRead || key.name === 'd') return decide(state, mode.asked, key, true)
      const { state: further } = scroll(view.page)
      return { state: withNotice(further, 'more to read: space scrolls, G goes to the end') }
    }
    default:
      return isBack(key) || key.name === 'return' ? back(state) : { state }
  }
}

/** Approval needs the whole action to have been shown; a high risk needs a second confirmation. */
function decide(state: ScreenState, asked: ApprovalNeeded, key: Key, isRead: boolean): Pressed {
  if (state.deciding.has(pendingKeyOf(asked))) return { state }
  if (key.name === 'd') return { state: inMode(state, { kind: 'deny', asked, reason: '' }) }
  if (!isRead) {
    return {
      state: withNotice(
        opened(state, asked),
        'too long to fit beside the list: read it here to its end, then decide',
      ),
    }
  }
  if (key.name === 'A') return { state: inMode(state, { kind: 'always', asked }) }
  if (asked.risk.level === 'high') {
    return { state: inMode(state, { kind: 'confirm', asked, decision: once }) }
  }
  return approved(state, asked, once)
}

function pressInDeny(state: ScreenState, mode: Extract<Mode, { kind: 'deny' }>, key: Key): Pressed {
  const { asked } = mode
  const typed = (reason: string): Pressed => ({
    state: inMode(state, { ...mode, reason: reason.slice(0, longestReason) }),
  })
  switch (key.name) {
    case 'escape':
      return back(state)
    case 'backspace':
      return typed(Array.from(mode.reason).slice(0, -1).join(''))
    case 'ctrl-u':
      return typed('')
    case 'ctrl-w':
      return typed(mode.reason.replace(/\S+\s*$/, ''))
    case 'return': {
      const reason = mode.reason.trim()
      if (reason === '') {
        return {
          state: withNotice(state, 'give a reason: it reaches the agent, which can then do better'),
        }
      }
      const after = under(back(state).state, asked)
      return { state: after, effect: { kind: 'deny', asked, reason } }
    }
    default:
      return typed(mode.reason + key.text.replaceAll(/\s+/g, ' '))
  }
}

function pressInAlways(state: ScreenState, asked: ApprovalNeeded, key: Key): Pressed {
  if (isBack(key)) return back(state)
  const chosen = alwaysDecisions[Number(key.name) - 1]
  const offered = asked.always.find(({ decision }) => decision === chosen)
  if (chosen === undefined || offered === undefined) return { state }
  if (offered.rule === null) {
    return { state: withNotice(state, `not offered: ${visible(offered.refused ?? '')}`) }
  }
  const decision: ScreenDecision = { decision: chosen, rule: offered.rule }
  return { state: inMode(state, { kind: 'confirm', asked, decision }) }
}

function pressInConfirm(
  state: ScreenState,
  { asked, decision }: Extract<Mode, { kind: 'confirm' }>,
  key: Key,
): Pressed {
  if (key.name === 'y') return approved(back(state).state, asked, decision)
  return isBack(key) || key.name === 'n' ? back(state) : { state }
}

function approved(state: ScreenState, asked: ApprovalNeeded, decision: ScreenDecision): Pressed {
  return {
    state: under(back(state).state, asked),
    effect: { kind: 'approve', asked, decision },
  }
}

function under(state: ScreenState, asked: ApprovalNeeded): ScreenState {
  return { ...state, deciding: new Set([...state.deciding, pendingKeyOf(asked)]) }
}

function opened(state: ScreenState, asked: ApprovalNeeded): ScreenState {
  return inMode(state, { kind: 'full', asked, from: 0 })
}

function moved(state: ScreenState, by: number): ScreenState {
  const { pending, selected } = state
  const at = pending.findIndex((asked) => pendingKeyOf(asked) === selected)
  const next = pending[Math.min(Math.max(0, at + by), pending.length - 1)]
  return next === undefined ? state : { ...state, selected: pendingKeyOf(next), holdUntil: 0 }
}

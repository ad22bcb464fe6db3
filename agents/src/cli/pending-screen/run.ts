import { type ApprovalNeeded, messageOf, visibleCommand, visible } from '@centralpost/shared'
import type { Operator } from '../../operator/operator.ts'
import {
  pendingKeyOf,
  type PendingChange,
  type PendingFilter,
  PendingWatch,
} from '../../operator/pending-watch.ts'
import { cut } from './fit-text.ts'
import { type Key, press } from './keys.ts'
import { type Drawn, render } from './render.ts'
import {
  type Effect,
  firstState,
  ownHoldMs,
  type ScreenState,
  withNotice,
  withPending,
} from './screen-state.ts'
import { TerminalScreen } from './terminal-screen.ts'

const tickMs = 1_000
/** Changes within this time share one redraw, in milliseconds. */
const togetherMs = 20

/**
 * Runs the approval queue on the whole terminal, until the operator quits or `signal` is aborted.
 *
 * @param told also called for every change
 * @throws {CentralPostError} `unavailable` when no hub answers at the start
 */
export async function runPendingScreen(
  operator: Operator,
  filter: PendingFilter,
  signal: AbortSignal,
  told: (change: PendingChange) => void = () => {},
): Promise<void> {
  let state: ScreenState = firstState(operator.name)
  let drawn: Drawn | undefined
  let changing: NodeJS.Timeout | undefined
  let screen: TerminalScreen | null = null as TerminalScreen | null
  const quit = Promise.withResolvers<void>()
  const draw = (): void => {
    if (screen === null) return
    drawn = render(state, screen.size, Date.now())
    screen.draw(drawn.rows)
  }
  const show = (next: ScreenState): void => {
    state = next
    draw()
  }
  const watch = await PendingWatch.open(operator, filter, (change) => {
    // neither the initial list nor this operator's own decisions are news
    const isOwn = change.kind === 'gone' && state.deciding.has(pendingKeyOf(change.asked))
    const isNews = screen !== null && !isOwn
    if (isNews) state = withNotice(state, noticeOf(change, operator.name))
    told(change)
    if (screen !== null) changing ??= setTimeout(() => update(), togetherMs)
  })
  const update = (hold?: number): void => {
    clearTimeout(changing)
    changing = undefined
    const listed = withPending(state, watch.pending, Date.now(), hold)
    show({ ...listed, isUpToDate: watch.isUpToDate })
  }
  await using opened = new AsyncDisposableStack()
  opened.use(watch)
  state = withPending(state, watch.pending, Date.now())

  const carryOut = async (effect: Exclude<Effect, { kind: 'quit' }>): Promise<void> => {
    const { asked } = effect
    let notice: string
    try {
      notice = await decide(operator, watch, effect)
    } catch (error) {
      notice = visible(messageOf(error))
      watch.refresh()
    }
    const deciding = new Set(state.deciding)
    deciding.delete(pendingKeyOf(asked))
    state = withNotice({ ...state, deciding }, notice)
    update(ownHoldMs)
  }
  const onKey = (key: Key): void => {
    drawn ??= render(state, screen?.size ?? { columns: 80, rows: 24 }, Date.now())
    const pressed = press(state, key, drawn.view, Date.now())
    show(pressed.state)
    if (pressed.effect?.kind === 'quit') quit.resolve()
    else if (pressed.effect) void carryOut(pressed.effect)
  }
  const stop = (): void => quit.resolve()
  signal.addEventListener('abort', stop, { once: true })
  opened.defer(() => signal.removeEventListener('abort', stop))
  if (signal.aborted) return
  screen = opened.use(new TerminalScreen(onKey, draw))
  const ticking = setInterval(draw, tickMs)
  opened.defer(() => {
    clearInterval(ticking)
    clearTimeout(changing)
  })
  draw()
  await quit.promise
}

async function decide(
  operator: Operator,
  watch: PendingWatch,
  effect: Exclude<Effect, { kind: 'quit' }>,
): Promise<string> {
  const { asked } = effect
  const { action_id: actionId, agent_id: agentId, digest } = asked
  if (effect.kind === 'deny') {
    await operator.deny(actionId, effect.reason, { agentId })
    watch.decided(asked)
    return `you denied ${nameOf(asked)}`
  }
  const { decision } = effect.decision
  const decided = await operator.approve(actionId, { agentId, digest, decision })
  if (decided.state === 'pending') {
    watch.refresh()
    const { approvals = [], approvals_needed: needed = 1 } = decided
    return (
      `you approved ${nameOf(asked)}: ${approvals.length} of ${needed} approvals; still ` +
      'waiting'
    )
  }
  watch.decided(asked)
  const rule = decided.rule_id === undefined ? '' : `, and made the rule ${decided.rule_id}`
  return `you approved ${nameOf(asked)}${rule}`
}

/** A change as one line. */
function noticeOf(change: PendingChange, self: string): string {
  switch (change.kind) {
    case 'arrived':
      return `arrived: ${nameOf(change.asked)}`
    case 'changed':
      return `changed: ${nameOf(change.asked)}`
    case 'lost':
      return 'broker or hub is away; retrying'
    case 'back':
      return 'the hub answers again'
    case 'gone': {
      const { outcome, by, reason } = change.gone
      const who =
        by === null || outcome === 'expired' ? '' : ` by ${by === self ? 'you' : visible(by)}`
      const why = reason === null || outcome === 'expired' ? '' : `: ${visible(reason)}`
      return `${outcome}${who}: ${nameOf(change.asked)}${why}`
    }
  }
}

const nameOf = (asked: ApprovalNeeded): string =>
  `${visible(asked.agent_id)} ${cut(visibleCommand(asked.command.slice(0, 400)), 60)}`

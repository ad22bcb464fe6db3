import type { AlwaysDecision, AlwaysScope, ApprovalNeeded } from '@centralpost/shared'
import { visible } from '@centralpost/shared/visible'
import { type Decided, keyOf } from '../../wire/feed-message.ts'
import { call, type ApiProblem } from '../api.ts'
import { onDecided } from '../feed.ts'
import { me } from '../store.ts'
import { moment, plural } from '../text/format.ts'
import { toast, sayProblem } from '../ui/toasts.tsx'
import { decidingHere } from './queue.ts'

interface Outcome {
  readonly action_id: string
  readonly agent_id: string
  readonly decision: {
    readonly state: string
    readonly approvals?: readonly string[]
    readonly approvals_needed?: number
    readonly rule_id?: string
  } | null
  readonly problem: ApiProblem | null
}

export interface AlwaysChoice {
  readonly decision: AlwaysDecision
  readonly scope?: AlwaysScope
  readonly expires_in?: number
}

/** the last decision made on this page, and its time */
let lastDecision: ReadonlySet<string> = new Set()
let decidedAt = Number.NEGATIVE_INFINITY

/**
 * Approves exactly what was shown, each action by its digest.
 *
 * @param said.always the rule to make with it
 * @param said.comment recorded in the history; omitted if empty
 */
export async function approve(
  asked: readonly ApprovalNeeded[],
  said: { readonly always?: AlwaysChoice; readonly comment?: string } = {},
): Promise<void> {
  const comment = said.comment?.trim() ?? ''
  await decide('approve', asked, {
    actions: asked.map(({ action_id, agent_id, digest }) => ({ action_id, agent_id, digest })),
    ...said.always,
    ...(comment !== '' && { comment }),
  })
}

export async function denyShown(
  asked: readonly ApprovalNeeded[],
  reason: string,
  suggestion: string,
): Promise<void> {
  await decide('deny', asked, {
    actions: asked.map(({ action_id, agent_id }) => ({ action_id, agent_id })),
    reason,
    ...(suggestion !== '' && { suggestion }),
  })
}

async function decide(
  what: 'approve' | 'deny',
  asked: readonly ApprovalNeeded[],
  body: object,
): Promise<void> {
  const keys = asked.map(keyOf)
  for (const key of keys) decidingHere.add(key)
  lastDecision = new Set(keys)
  decidedAt = performance.now()
  try {
    const { outcomes } = await call<{ outcomes: readonly Outcome[] }>(what, body)
    tell(what, asked, outcomes)
  } catch (error) {
    sayProblem(what === 'approve' ? 'Not approved' : 'Not denied', error)
  } finally {
    // the event may arrive a little later than the answer
    setTimeout(() => keys.forEach((key) => decidingHere.delete(key)), 1500)
  }
}

function tell(
  what: 'approve' | 'deny',
  asked: readonly ApprovalNeeded[],
  outcomes: readonly Outcome[],
): void {
  const made = outcomes.filter(({ decision, problem }) => decision !== null || isOwn(problem))
  const still = made.filter(({ decision }) => decision?.state === 'pending')
  const name = asked.length === 1 ? short(asked[0]?.command ?? '') : plural(made.length, 'request')
  if (made.length > still.length || made.length > asked.length) {
    const rule = made.find(({ decision }) => decision?.rule_id !== undefined)?.decision?.rule_id
    const done =
      what === 'approve'
        ? `Approved: ${name}. This cannot be undone; what runs can be cancelled.`
        : `Denied: ${name}. The agent gets the reason.`
    toast('good', rule === undefined ? done : `${done} The rule ${rule} was made.`)
  }
  for (const { decision, action_id } of still) {
    const { approvals = [], approvals_needed: needed = 0 } = decision ?? {}
    toast(
      'note',
      `Your approval of ${action_id} counts: ${approvals.length} of ${needed}. It still waits.`,
    )
  }
  const failed = outcomes.flatMap(({ problem }) =>
    problem === null || isOwn(problem) ? [] : [problem],
  )
  const untried = asked.length - outcomes.length
  const [first] = failed
  if (first !== undefined) {
    const rest = failed.length + untried - 1
    toast('bad', `${whyNot(first)}${rest > 0 ? ` (and ${rest} more)` : ''}`)
  }
}

/** Identical requests share one decision: the second of two marked ones is decided already. */
function isOwn(problem: ApiProblem | null): boolean {
  const by = problem?.details?.['decided_by']
  return problem?.code === 'conflict' && by === me.value?.operator && lastDecision.size > 1
}

function whyNot({ code, message, details }: ApiProblem): string {
  const by = details?.['decided_by']
  const at = details?.['decided_at']
  if (code === 'conflict' && typeof by === 'string' && typeof at === 'string') {
    const state = String(details?.['state'])
    return `Already decided: ${by} decided at ${moment(at)} (${state}). Your answer changed nothing.`
  }
  return visible(message)
}

/** Reports decisions of other operators. */
onDecided((end: Decided) => {
  if (decidingHere.has(keyOf(end)) || end.how === 'gone') return
  const isOwnName = end.by === me.value?.operator
  // an identical request that was decided along with one on this page
  if (isOwnName && performance.now() - decidedAt < 3000) return
  const own = isOwnName ? 'You, elsewhere,' : (end.by ?? 'Somebody')
  const what = short(end.command)
  const texts: Readonly<Record<Exclude<Decided['how'], 'gone'>, string>> = {
    approved: `${own} approved ${what}`,
    denied: `${own} denied ${what}`,
    expired: `Nobody decided in time: ${what} has expired`,
    cancelled: `${what} was withdrawn`,
  }
  sayOfOthers(texts[end.how])
})

let othersAt = Number.NEGATIVE_INFINITY
let othersBefore = 0

/** Many decisions of others within a short time share one message, with the newest decision. */
function sayOfOthers(text: string): void {
  const now = performance.now()
  othersBefore = now - othersAt < 5000 ? othersBefore + 1 : 0
  othersAt = now
  const more = othersBefore > 0 ? `(and ${othersBefore} before)` : ''
  toast('note', text + more, 'others')
}

function short(command: string): string {
  const text = visible(command)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

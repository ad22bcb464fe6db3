import type { AuditEvent } from '@centralpost/shared'

/** What an operator said with a yes. What is said with a no is the reason, which everybody is told. */
export interface DecisionComment {
  readonly by: string
  readonly text: string
  readonly at: string
}

const said: ReadonlySet<string> = new Set(['voted', 'approved', 'rule_made'])

/** The comments on an action that its audit trail holds, each once, oldest first. */
export function commentsIn(events: readonly AuditEvent[]): DecisionComment[] {
  const found = new Map<string, DecisionComment>()
  for (const { kind, at, data } of events) {
    const { comment, by } = data
    if (!said.has(kind) || typeof comment !== 'string' || comment === '') continue
    // the yes that cleared it comes after the vote of the one who said it, with the names of all who voted
    const who = Array.isArray(by) ? by.at(-1) : by
    const one = { by: typeof who === 'string' ? who : 'somebody', text: comment, at }
    const key = JSON.stringify([one.by, one.text])
    if (!found.has(key)) found.set(key, one)
  }
  return [...found.values()]
}

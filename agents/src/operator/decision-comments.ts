import type { AuditEvent } from '@centralpost/shared'

/**
 * An operator's comment on an approval. The comment on a denial is its reason, which every listener
 * gets.
 */
export interface DecisionComment {
  readonly by: string
  readonly text: string
  readonly at: string
}

const said: ReadonlySet<string> = new Set(['voted', 'approved', 'rule_made'])

/** The comments on an action in its audit trail, each once, oldest first. */
export function commentsIn(events: readonly AuditEvent[]): DecisionComment[] {
  const found = new Map<string, DecisionComment>()
  for (const { kind, at, data } of events) {
    const { comment, by } = data
    if (!said.has(kind) || typeof comment !== 'string' || comment === '') continue
    // the clearing approval comes after its operator's vote, and names all voters
    const who = Array.isArray(by) ? by.at(-1) : by
    const one = { by: typeof who === 'string' ? who : 'somebody', text: comment, at }
    const key = JSON.stringify([one.by, one.text])
    if (!found.has(key)) found.set(key, one)
  }
  return [...found.values()]
}

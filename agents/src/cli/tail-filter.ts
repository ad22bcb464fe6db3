import type { ActionResult, TrustLevel } from '@centralpost/shared'
import type { TailedEvent } from '../operator/tail.ts'

export interface TailWanted {
  readonly workflow?: string
  readonly level?: TrustLevel
  /** only how actions ended, and only those that ended so */
  readonly status?: ActionResult['status']
}

/** How many actions are kept in mind whose output may still come. */
const mostActions = 10_000

/**
 * Tells which events are wanted. Output names neither workflow nor level: its action is known from the messages before
 * it. A request is not judged yet, so it has no level.
 */
export function tailFilter(wanted: TailWanted): (event: TailedEvent) => boolean {
  if (wanted.status !== undefined) {
    return (event) =>
      event.kind === 'result' && event.message.status === wanted.status && fits(event.raw, wanted)
  }
  if (wanted.workflow === undefined && wanted.level === undefined) return () => true
  const actions = new Set<string>()
  return (event) => {
    const action = `${event.agentId}.${event.actionId}`
    if (event.kind === 'output') return actions.has(action)
    const isWanted = fits(event.raw, wanted)
    if (event.kind === 'result') actions.delete(action)
    else if (isWanted && event.actionId !== '') actions.add(action)
    if (actions.size > mostActions) dropOldest(actions)
    return isWanted
  }
}

function fits(raw: unknown, { workflow, level }: TailWanted): boolean {
  return (
    (workflow === undefined || fieldOf(raw, 'workflow_id') === workflow) &&
    (level === undefined || fieldOf(raw, 'trust_level') === level)
  )
}

function fieldOf(raw: unknown, name: string): string | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const value: unknown = (raw as Record<string, unknown>)[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function dropOldest(actions: Set<string>): void {
  for (const oldest of actions) {
    actions.delete(oldest)
    return
  }
}

import type { ActionResult, TrustLevel } from '@centralpost/shared'
import type { TailedEvent } from '../operator/tail.ts'

export interface TailWanted {
  readonly workflow?: string
  readonly level?: TrustLevel
  /** only results, and only with this status */
  readonly status?: ActionResult['status']
}

/** Actions remembered to filter their output; the oldest is forgotten first. */
const mostActions = 10_000

/**
 * Selects events. Output names neither workflow nor level, so earlier messages of its action
 * decide. A request has no level before it is judged.
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

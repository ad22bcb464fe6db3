import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ActionResult, HistoryEntry } from '@centralpost/shared'
import type { SeenAction } from './seen-actions.ts'
import { decider, demoAgents } from './stage.ts'

/** The demo's expected outcomes, and whether they happened. */
export interface Expectation {
  readonly what: string
  readonly isMet: boolean
}

export interface DemoOutcome {
  readonly seen: readonly SeenAction[]
  readonly history: readonly HistoryEntry[]
  readonly isChainIntact: boolean
  readonly agentEndings: readonly (number | string)[]
  readonly scratch: string
}

/** Compares actual with expected outcomes. */
export function judge(outcome: DemoOutcome): Expectation[] {
  const { seen, history, scratch } = outcome
  const results = seen.flatMap((action) => action.results)
  const of = (level: string): ActionResult[] =>
    results.filter((result) => result.trust_level === level)
  const review = (status: string): ActionResult | undefined =>
    of('REVIEW').find((result) => result.status === status)
  const neverRan = (result: ActionResult): boolean =>
    seen.every((action) => action.actionId !== result.action_id || action.start === undefined)
  const safe = of('SAFE')
  const blocked = of('BLOCKED')
  const approved = review('completed')
  const denied = review('denied')
  const expired = review('expired')
  return [
    {
      what: 'three agents in processes of their own did what they had planned',
      isMet: outcome.agentEndings.length === 3 && outcome.agentEndings.every((how) => how === 0),
    },
    {
      what: 'SAFE commands of every agent ran immediately, without approval',
      isMet:
        demoAgents.every((agent) =>
          safe.some((result) => result.agent_id === agent && result.status === 'completed'),
        ) && safe.every((result) => result.approved_by === 'auto'),
    },
    {
      what: `a REVIEW command ran because the operator ${decider} approved it, and took effect`,
      isMet: approved?.approved_by === decider && existsSync(join(scratch, 'report')),
    },
    {
      what: 'a REVIEW command that was denied never ran, and its agent got the reason',
      isMet:
        denied !== undefined &&
        neverRan(denied) &&
        (denied.reason ?? '').includes('still needed') &&
        existsSync(join(scratch, 'keep')),
    },
    {
      what: 'a REVIEW command that no operator answered expired and never ran',
      isMet:
        expired !== undefined && neverRan(expired) && !existsSync(join(scratch, 'nobody-answers')),
    },
    {
      what: 'BLOCKED commands of every agent were refused and never ran',
      isMet:
        demoAgents.every((agent) => blocked.some((result) => result.agent_id === agent)) &&
        blocked.every((result) => result.status === 'denied' && neverRan(result)),
    },
    {
      what: 'every action has exactly one result',
      isMet: seen.length > 0 && seen.every((action) => action.results.length === 1),
    },
    {
      what: 'the history has every one of them, with the same outcome',
      isMet:
        history.length === results.length &&
        results.every((result) =>
          history.some(
            (entry) =>
              entry.action_id === result.action_id &&
              entry.agent_id === result.agent_id &&
              entry.status === result.status,
          ),
        ),
    },
    { what: 'the audit chain is intact', isMet: outcome.isChainIntact },
  ]
}

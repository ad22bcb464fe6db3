import type { ActionResult, ResultStatus, TrustLevel } from '@centralpost/shared'
import type { ActionAsked } from '../agent/action-asked.ts'
import type { Phase } from './phase.ts'

/** What a planner is told before each step. */
export interface Observation {
  readonly task: string
  /** counts from 0 */
  readonly step: number
  readonly phase: Phase
  /** the step before and how it ended; null at the first step */
  readonly previous: { readonly planned: PlannedStep; readonly result: ActionResult | null } | null
}

/** One step of a plan: what to ask for, and what to make of its end. */
export interface PlannedStep extends Pick<
  ActionAsked,
  'command' | 'argv' | 'context' | 'cwd' | 'env' | 'timeoutSeconds'
> {
  /** the endings that are as planned @default completed */
  readonly expect?: readonly ResultStatus[]
  /** asked for only while the hub judges it so: a step that must be refused is then never run by mistake */
  readonly onlyIf?: TrustLevel
  /** what to do when the step ends otherwise @default continue */
  readonly onUnexpected?: 'continue' | 'stop'
}

/** Decides what an agent does next: a written plan, or a language model. */
export interface Planner {
  /** how many steps there are, when that is known beforehand */
  readonly length?: number
  /** The next step, or null at the end. */
  next(observation: Observation): Promise<PlannedStep | null>
}

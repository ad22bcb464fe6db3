import type { ActionResult, ResultStatus, TrustLevel } from '@centralpost/shared'
import type { ActionAsked } from '../agent/action-asked.ts'
import type { Phase } from './phase.ts'

/** The planner's input before each step. */
export interface Observation {
  readonly task: string
  /** counts from 0 */
  readonly step: number
  readonly phase: Phase
  /** the previous step and its outcome; null at the first step */
  readonly previous: { readonly planned: PlannedStep; readonly result: ActionResult | null } | null
}

/** One step of a plan: the request, and how to treat its outcome. */
export interface PlannedStep extends Pick<
  ActionAsked,
  'command' | 'argv' | 'context' | 'cwd' | 'env' | 'timeoutSeconds'
> {
  /** the planned outcomes @default completed */
  readonly expect?: readonly ResultStatus[]
  /** requested only while the hub judges it so: a step meant to be refused never runs by mistake */
  readonly onlyIf?: TrustLevel
  /** what to do after any other outcome @default continue */
  readonly onUnexpected?: 'continue' | 'stop'
}

/** Chooses the next step of an agent: a written plan, or a language model. */
export interface Planner {
  /** number of steps, if known beforehand */
  readonly length?: number
  /** The next step, or null at the end. */
  next(observation: Observation): Promise<PlannedStep | null>
}

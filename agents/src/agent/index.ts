/**
 * Agents and their types. Results, verdicts and events are the wire's own messages, so their fields
 * are in snake_case (`exit_code`, `action_id`); options and methods are in camelCase.
 *
 * ```ts
 * await using agent = await Agent.connect({ name: 'research' })
 * const action = await agent.requestAction({ argv: ['git', 'status'] })
 * const { status, exit_code, stdout } = await action.result()
 * ```
 */
export { Agent, type RequestOptions } from './agent.ts'
export type { ActionAsked } from './action-asked.ts'
export type { RequestedAction } from './requested-action.ts'
export { LLMAgent, type LLMAgentParts, type RunReport, type StepDone } from '../roles/llm-agent.ts'
export { AnalysisAgent } from '../roles/analysis-agent.ts'
export { ResearchAgent } from '../roles/research-agent.ts'
export { SystemAgent } from '../roles/system-agent.ts'
export type { Phase, Role } from '../roles/phase.ts'
export type { Observation, PlannedStep, Planner } from '../roles/planner.ts'
export type { WaitOptions } from '../spoke/deadline.ts'
export type { SpokeOptions } from '../spoke/spoke.ts'
export {
  CentralPostError,
  isCentralPostError,
  newActionId,
  openTracing,
  silentLogger,
  type ActionOutput,
  type ActionRequest,
  type ActionResult,
  type ActionState,
  type BusCredentials,
  type ErrorCategory,
  type LogFields,
  type Logger,
  type OutputStream,
  type Problem,
  type ProblemCode,
  type ResultStatus,
  type Suggestion,
  type TraceHeaders,
  type Tracing,
  type TracingOptions,
  type TrustLevel,
  type Verdict,
} from '@centralpost/shared'

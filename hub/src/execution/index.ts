/** The door of the executor. */
export { checkCwd } from './check-cwd.ts'
export { executorOptionsSchema } from './executor-options.ts'
export type { ExecutorOptions, ExecutorSettings } from './executor-options.ts'
export type { OutputPage } from './read-output.ts'
export { checkRequestEnv } from './request-env-policy.ts'
export type { RefusedVariable } from './request-env-policy.ts'
export { outcomeWithout } from './run.ts'
export type {
  Captured,
  Outcome,
  OutcomeStatus,
  OutputChunk,
  Run,
  RunControls,
  Survivor,
} from './run.ts'
export { SystemExecutor } from './system-executor.ts'
export type { SystemState } from './system-state.ts'

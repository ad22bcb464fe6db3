/** The executor's public exports. */
export { checkCwd } from './environment/check-cwd.ts'
export { executorOptionsSchema } from './executor-options.ts'
export type { ExecutorOptions, ExecutorSettings } from './executor-options.ts'
export type { OutputPage } from './output/read-output.ts'
export { checkRequestEnv } from './environment/request-env-policy.ts'
export type { RefusedVariable } from './environment/request-env-policy.ts'
export { outcomeWithout } from './run.ts'
export type {
  AppliedSandbox,
  Captured,
  Outcome,
  OutcomeStatus,
  OutputChunk,
  Run,
  RunControls,
  Survivor,
} from './run.ts'
export { findVenv, isForPython } from './environment/virtual-env.ts'
export { SystemExecutor } from './system-executor.ts'
export type { SystemState } from './environment/system-state.ts'
export { closeControlGroups, findControlGroups } from './sandbox/control-groups.ts'
export { type ResourceLimits, unkept } from './sandbox/limits.ts'
export { chooseProfile, describeChoice, sandboxModes } from './sandbox/policy.ts'
export type { JudgedCommand, ProfileChoice, SandboxSettings } from './sandbox/policy.ts'
export { probeSandbox } from './sandbox/probe.ts'
export type { SandboxProbe } from './sandbox/probe.ts'
export { machineViews, ofEachProfile, profiles } from './sandbox/profiles.ts'

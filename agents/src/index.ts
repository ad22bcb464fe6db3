/** The spokes: what talks to the hub over NATS only. */
export * from './action-asked.ts'
export * from './agent.ts'
export * from './operator/operator.ts'
export * from './operator/tail.ts'
export type { RequestedAction } from './requested-action.ts'
export type { SpokeOptions } from './spoke.ts'
export type { WaitOptions } from './deadline.ts'

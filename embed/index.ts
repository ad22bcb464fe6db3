/**
 * A hub in a program of your own. Results, settings and statuses are the wire's own messages, so their fields are in
 * snake_case (`exit_code`, `stop_grace`); options and methods are in camelCase.
 *
 * ```ts
 * await using post = await CentralPost.local({ dataDir: '.centralpost', roots: [process.cwd()] })
 * const agent = await post.agent('builder')
 * const action = await agent.requestAction({ argv: ['git', 'status'] })
 * const { status, stdout } = await action.result()
 * ```
 */
export { CentralPost, type LocalOptions } from './central-post.ts'
export type { Hub, HubConfig, HubSettings } from '@centralpost/hub'
export type { Agent } from '@centralpost/agents/agent'
export type { Operator } from '@centralpost/agents/operator'
export {
  CentralPostError,
  isCentralPostError,
  silentLogger,
  type LogFields,
  type Logger,
  type Problem,
  type ProblemCode,
} from '@centralpost/shared'

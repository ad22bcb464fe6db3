import type { HubStatus, Judgement } from '@centralpost/shared'
import type { CentralPost } from '../central-post.ts'
import type { SystemExecutor } from '../execution/index.ts'
import type { History } from '../history/history.ts'

/** The dependencies of the endpoints. */
export interface HubParts {
  readonly hubId: string
  readonly config: { readonly roots: readonly string[] }
  readonly centralPost: CentralPost
  readonly executor: SystemExecutor
  readonly history: History
  readonly trust: {
    judge(command: string | readonly string[], context: { cwd: string }): Judgement
  }
  readonly checkCwd: (cwd: string) => Promise<string>
  readonly status: () => Promise<HubStatus>
}

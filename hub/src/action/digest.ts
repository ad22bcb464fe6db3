import { createHash } from 'node:crypto'
import { canonical, type Plan } from '@centralpost/shared'
import type { Bound } from './bound-files.ts'

/** What an approval clears: nothing but this may be started on its strength. */
export interface Cleared {
  readonly agentId: string
  readonly command: string
  readonly plan: Plan
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly bound: Bound
}

/** SHA-256 over what will run; the approver signs this off. */
export function digestOf(cleared: Cleared): string {
  // named one by one: a caller may hand over more than is cleared
  const { agentId, command, plan, cwd, env, timeoutMs, bound } = cleared
  const parts = canonical({ agentId, command, plan, cwd, env, timeoutMs, bound })
  return createHash('sha256').update(parts).digest('hex')
}

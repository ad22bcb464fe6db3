import { createHash } from 'node:crypto'
import { canonical, type Plan } from '@centralpost/shared'
import type { Bound } from './bound-files.ts'

/** The content of an approval: it covers nothing else. */
export interface Cleared {
  readonly agentId: string
  readonly command: string
  readonly plan: Plan
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly bound: Bound
}

/** SHA-256 over everything that will run; the approver signs this digest. */
export function digestOf(cleared: Cleared): string {
  // listed one by one: a caller may pass extra fields
  const { agentId, command, plan, cwd, env, timeoutMs, bound } = cleared
  const parts = canonical({ agentId, command, plan, cwd, env, timeoutMs, bound })
  return createHash('sha256').update(parts).digest('hex')
}

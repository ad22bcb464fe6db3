import { messageOf } from '@centralpost/shared/light'
import type { EndReason } from '../run.ts'
import type { EndedProcess } from '../processes/process-tree.ts'

/**
 * The time limit was exceeded.
 *
 * @param isUnattended whether the limit is shorter for lack of an approval
 */
export function timedOut(timeoutMs: number, isUnattended = false): EndReason {
  const why = isUnattended ? ', the limit without approval (execution.safe_timeout)' : ''
  const text = `timed out after ${timeoutMs / 1000} s${why}`
  return { status: 'timed_out', category: 'timeout', text }
}

/** The output limit was exceeded. */
export function overLimit(maxOutputBytes: number): EndReason {
  return {
    status: 'failed',
    category: 'output_limit',
    text: `ended because it wrote more than ${maxOutputBytes} bytes`,
  }
}

/** The output could not be stored. */
export function spoolFault(spoolDir: string, error: unknown): EndReason {
  return {
    status: 'failed',
    category: 'resource',
    text: `ended because its output cannot be kept in "${spoolDir}": ${messageOf(error)}`,
  }
}

/** Describes processes that outlived their command. */
export function leftBehindWarning(ended: readonly EndedProcess[]): string {
  const names = [...new Set(ended.map(({ entry }) => `${entry.name} (${entry.pid})`))]
  const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ' …' : '')
  return `${names.length} of its processes outlived the command and were ended: ${shown}`
}

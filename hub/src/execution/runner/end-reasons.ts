import { messageOf } from '@centralpost/shared/light'
import type { EndReason } from '../run.ts'
import type { EndedProcess } from '../processes/process-tree.ts'

/**
 * It took longer than it may.
 *
 * @param isUnattended whether it may no longer because nobody has cleared it
 */
export function timedOut(timeoutMs: number, isUnattended = false): EndReason {
  const why = isUnattended ? ', the most for what nobody has cleared (execution.safe_timeout)' : ''
  const text = `timed out after ${timeoutMs / 1000} s${why}`
  return { status: 'timed_out', category: 'timeout', text }
}

/** It wrote more than it may. */
export function overLimit(maxOutputBytes: number): EndReason {
  return {
    status: 'failed',
    category: 'output_limit',
    text: `ended because it wrote more than ${maxOutputBytes} bytes`,
  }
}

/** Its output could not be kept. */
export function spoolFault(spoolDir: string, error: unknown): EndReason {
  return {
    status: 'failed',
    category: 'resource',
    text: `ended because its output cannot be kept in "${spoolDir}": ${messageOf(error)}`,
  }
}

/** Says of what outlived its command what it was. */
export function leftBehindWarning(ended: readonly EndedProcess[]): string {
  const names = [...new Set(ended.map(({ entry }) => `${entry.name} (${entry.pid})`))]
  const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ' …' : '')
  return `${names.length} of its processes outlived the command and were ended: ${shown}`
}

import type { ActionResult } from '../messages/result.ts'
import { isCentralPostError, type ProblemCode } from '../problem.ts'

/** Codes of sysexits.h where one fits; `timed_out` is the code of timeout(1). */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 64,
  rejected: 65,
  notFound: 66,
  unavailable: 69,
  internal: 70,
  conflict: 73,
  storage: 74,
  expired: 75,
  draining: 75,
  denied: 77,
  config: 78,
  cancelled: 79,
  interrupted: 80,
  timedOut: 124,
  stopped: 130,
} as const

const ofProblem: Readonly<Record<ProblemCode, number>> = {
  invalid_request: exitCodes.usage,
  not_found: exitCodes.notFound,
  unavailable: exitCodes.unavailable,
  internal: exitCodes.internal,
  conflict: exitCodes.conflict,
  storage: exitCodes.storage,
  draining: exitCodes.draining,
  forbidden: exitCodes.denied,
  invalid_config: exitCodes.config,
}

/** The exit code for an error of the command line. */
export function exitCodeOfError(error: unknown): number {
  return ofProblem[isCentralPostError(error) ? error.code : 'internal']
}

/** The exit code for a result: a failed command's own exit code if it is from 1 to 125. */
export function exitCodeOfResult(result: ActionResult): number {
  switch (result.status) {
    case 'completed':
      return exitCodes.done
    case 'failed': {
      const own = result.exit_code ?? 0
      return own >= 1 && own <= 125 ? own : exitCodes.failed
    }
    case 'timed_out':
      return exitCodes.timedOut
    case 'denied':
      return exitCodes.denied
    case 'expired':
      return exitCodes.expired
    case 'cancelled':
      return exitCodes.cancelled
    case 'interrupted':
      return exitCodes.interrupted
    case 'rejected':
      return exitCodes.rejected
  }
}

export const exitCodeHelp = `
Exit codes:
  0    done; with request --wait: the command completed
  1    a check failed; a failed command without an exit code from 1 to 125
  64   wrong usage, or an invalid value
  65   the hub rejected the request
  66   no such action, credentials or file
  69   no broker or no hub answers, or no result in time
  70   internal error
  73   already decided or already taken
  74   unreadable or unwritable files
  75   the approval expired, or the hub is stopping: try again
  77   denied by policy or an operator, or not permitted
  78   bad configuration
  79   cancelled
  80   interrupted: the hub died while the command ran
  124  the command timed out
  130  you stopped it (Ctrl-C)
request --wait exits with a failed command's own code, 1 to 125. Where that equals one of these,
--json tells them apart.`

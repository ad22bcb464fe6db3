import { isCentralPostError, type ProblemCode } from '@centralpost/shared'

/** What a shell script learns from a failed command: the numbers of sysexits.h. */
const exitCodes: Readonly<Record<ProblemCode, number>> = {
  invalid_request: 64,
  not_found: 66,
  unavailable: 69,
  internal: 70,
  conflict: 73,
  storage: 74,
  draining: 75,
  forbidden: 77,
  invalid_config: 78,
}

/** The exit code that tells this failure apart. */
export function exitCodeOf(error: unknown): number {
  return exitCodes[isCentralPostError(error) ? error.code : 'internal']
}

import { z } from 'zod'

/**
 * The closed list of faults that cross an edge. An ordinary ending of an action (denied, expired, a non-zero
 * exit) is not a fault: it is a result.
 */
export const problemCodes = [
  'invalid_request',
  'invalid_config',
  'not_found',
  'conflict',
  'forbidden',
  'draining',
  'unavailable',
  'storage',
  'internal',
] as const
export type ProblemCode = (typeof problemCodes)[number]

export const problemSchema = z.object({
  code: z.enum(problemCodes),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
})
/** A fault as it travels: rebuilt into a CentralPostError on the far side. */
export type Problem = z.infer<typeof problemSchema>

const retryableCodes: ReadonlySet<ProblemCode> = new Set(['draining', 'unavailable'])

/** A fault at an edge: bad input, hub draining, broker away, database unusable. Told apart by `code`. */
export class CentralPostError extends Error {
  override readonly name = 'CentralPostError'
  readonly code: ProblemCode
  readonly details: Readonly<Record<string, unknown>>

  /**
   * @param code which fault it is
   * @param message what happened, to what, and the way out
   * @param options.cause the error underneath, kept
   * @param options.details facts for programs (never secrets)
   */
  constructor(
    code: ProblemCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }

  /** Whether the same call may succeed later without being changed. */
  get retryable(): boolean {
    return retryableCodes.has(this.code)
  }

  toProblem(): Problem {
    return {
      code: this.code,
      message: this.message,
      ...(Object.keys(this.details).length > 0 && { details: { ...this.details } }),
    }
  }

  static fromProblem(problem: Problem): CentralPostError {
    return new CentralPostError(problem.code, problem.message, {
      ...(problem.details && { details: problem.details }),
    })
  }
}

/** Recognises a CentralPostError by shape, across realms and duplicated packages. */
export function isCentralPostError(error: unknown): error is CentralPostError {
  return (
    Error.isError(error) &&
    error.name === 'CentralPostError' &&
    problemCodes.includes((error as CentralPostError).code)
  )
}

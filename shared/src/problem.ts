import { z } from 'zod'

/**
 * The closed list of error codes that cross process boundaries. An ordinary outcome of an action
 * (denied, expired, a non-zero exit) is not an error: it is a result.
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
/** An error on the wire: the receiver rebuilds a CentralPostError from it. */
export type Problem = z.infer<typeof problemSchema>

const retryableCodes: ReadonlySet<ProblemCode> = new Set(['draining', 'unavailable'])

/**
 * An error at a boundary: bad input, hub draining, broker away, database unusable. Identified by
 * `code`.
 */
export class CentralPostError extends Error {
  override readonly name = 'CentralPostError'
  readonly code: ProblemCode
  readonly details: Readonly<Record<string, unknown>>

  /**
   * @param code the error code
   * @param message what happened, to what, and the way out
   * @param options.cause the underlying error
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

  /** Whether the same call may succeed later unchanged. */
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

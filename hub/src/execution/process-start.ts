import type { HandedBytes } from './handed-bytes.ts'

/** A fully specified program start. */
export interface ProcessStart {
  /** Absolute path of the program. */
  readonly file: string
  /** argv[0], as a shell would set it. */
  readonly argv0: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The complete environment. */
  readonly env: Readonly<Record<string, string>>
  /** Whether it is bubblewrap, which reports its namespace's first process on `infoFd`. */
  readonly namesInit?: boolean
  /** The data for `filterFd`; null: none. */
  readonly filter?: HandedBytes | null
}

/** The error of a failed start: the code of the failed call (`ENOENT`, `EACCES`, `E2BIG` …). */
export interface StartFault {
  readonly fault: string
  readonly message: string
}

/** The descriptor on which bubblewrap reports its namespace's first process. */
export const infoFd = 3

import type { HandedBytes } from './handed-bytes.ts'

/** A program to start, every part of it decided. */
export interface ProcessStart {
  /** Absolute path of the program. */
  readonly file: string
  /** The name by which it is called, as a shell would. */
  readonly argv0: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** Whether it is a bubblewrap that names its namespace's first process on `infoFd`. */
  readonly namesInit?: boolean
  /** What it reads from `filterFd`; null: nothing. */
  readonly filter?: HandedBytes | null
}

/** Why the system started nothing: the code of the failed call (`ENOENT`, `EACCES`, `E2BIG` …). */
export interface StartFault {
  readonly fault: string
  readonly message: string
}

/** The descriptor on which bubblewrap is told to name its namespace's first process. */
export const infoFd = 3

import { constants } from 'node:os'

/** An ending as bubblewrap's own exit shows it. */
export interface WrappedEnding {
  readonly exitCode: number | null
  readonly stderrTail: string
}

/** What it means. */
export interface TrueEnding {
  /** the code of the call by which bubblewrap seems to have failed; null where it does not */
  readonly fault: string | null
  /** what the exit code does not say by itself; null where it does */
  readonly note: string | null
}

/**
 * Reads bubblewrap's exit. It exits with the command's own code, with 128 and the number where a signal ended the
 * command, and with 1 and one line of its own where it started nothing. A command could do either itself, so that what
 * is said leaves room for it: no command may make the record say that it never ran.
 */
export function trueEnding({ exitCode, stderrTail }: WrappedEnding): TrueEnding {
  const said = /^bwrap: (?<what>[^\n]*)\n?$/.exec(stderrTail)?.groups?.['what']
  if (exitCode === 1 && said !== undefined) {
    const note = `the sandbox says that it did not start the command (if not the command wrote this): ${said}`
    return { fault: faultOf(said), note }
  }
  const signal = exitCode !== null && exitCode > 128 ? nameOf(exitCode - 128) : undefined
  if (signal === undefined) return { fault: null, note: null }
  const note = `exit code ${exitCode}: ended by ${signal}, or it exited so itself (in the sandbox both look the same)`
  return { fault: null, note }
}

function faultOf(said: string): string {
  if (/^execvp .*: No such file or directory$/.test(said)) return 'ENOENT'
  if (/^execvp .*: (Permission denied|Exec format error)$/.test(said)) return 'EACCES'
  // more than 9000 words, its own among them
  if (said.startsWith('Exceeded maximum number of arguments')) return 'E2BIG'
  return /Resource temporarily unavailable|Cannot allocate memory|No space left/.test(said)
    ? 'EAGAIN'
    : 'ESANDBOX'
}

function nameOf(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}

import { constants } from 'node:os'

/** An ending as bubblewrap's own exit shows it. */
export interface WrappedEnding {
  readonly exitCode: number | null
  readonly stderrTail: string
}

/** What it really was. */
export interface TrueEnding {
  /** Why the command did not run at all: the sandbox could not be made, or the program not be started in it. */
  readonly notStarted: { readonly fault: string; readonly message: string } | null
  /** What an exit code above 128 means. */
  readonly note: string | null
}

/**
 * Reads bubblewrap's exit. It exits with the command's own code, with 128 and the number where a signal ended the
 * command, and with 1 and one line of its own where it started nothing.
 */
export function trueEnding({ exitCode, stderrTail }: WrappedEnding): TrueEnding {
  const said = /^bwrap: (?<what>[^\n]*)\n?$/.exec(stderrTail)?.groups?.['what']
  if (exitCode === 1 && said !== undefined) {
    return {
      notStarted: { fault: faultOf(said), message: `the sandbox says: ${said}` },
      note: null,
    }
  }
  const signal = exitCode !== null && exitCode > 128 ? nameOf(exitCode - 128) : undefined
  return {
    notStarted: null,
    note:
      signal === undefined
        ? null
        : `exit code ${exitCode}: ended by ${signal}, or it exited so itself (in the sandbox both look the same)`,
  }
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

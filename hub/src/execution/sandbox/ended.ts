import { constants } from 'node:os'

/** The end of a command as bubblewrap's exit shows it. */
export interface WrappedEnding {
  readonly exitCode: number | null
  readonly stderrTail: string
}

/** The interpretation. */
export interface TrueEnding {
  /** the failed call's code if bubblewrap seems to have failed; else null */
  readonly fault: string | null
  /** an explanation of an ambiguous exit code; else null */
  readonly note: string | null
}

/**
 * Interprets bubblewrap's exit. bubblewrap exits with the command's own code, with 128 plus the
 * number for a signal, and with 1 and one line of its own if it started nothing. A command could
 * imitate either, so the text stays cautious: no command may make the record claim that it never
 * ran.
 */
export function trueEnding({ exitCode, stderrTail }: WrappedEnding): TrueEnding {
  const said = /^bwrap: (?<what>[^\n]*)\n?$/.exec(stderrTail)?.groups?.['what']
  if (exitCode === 1 && said !== undefined) {
    const note = `the sandbox reports that it did not start the command (unless the command wrote this): ${said}`
    return { fault: faultOf(said), note }
  }
  const signal = exitCode !== null && exitCode > 128 ? nameOf(exitCode - 128) : undefined
  if (signal === undefined) return { fault: null, note: null }
  const note = `exit code ${exitCode}: ended by ${signal}, or its own exit code (in the sandbox both look the same)`
  return { fault: null, note }
}

function faultOf(said: string): string {
  if (/^execvp .*: No such file or directory$/.test(said)) return 'ENOENT'
  if (/^execvp .*: (Permission denied|Exec format error)$/.test(said)) return 'EACCES'
  // more than 9000 words, including its own
  if (said.startsWith('Exceeded maximum number of arguments')) return 'E2BIG'
  return /Resource temporarily unavailable|Cannot allocate memory|No space left/.test(said)
    ? 'EAGAIN'
    : 'ESANDBOX'
}

function nameOf(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
}

const needsNoQuotes = /^[A-Za-z0-9_@%+=:,./-]+$/

/** One word in single quotes, so that bash reads exactly this value. */
export function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`
}

/** One word as a person would write it: quoted only where it must be. */
export function quoteIfNeeded(value: string): string {
  return needsNoQuotes.test(value) ? value : quoteForShell(value)
}

/** Words so that a shell would read them back as they are. */
export function printArgv(argv: readonly string[]): string {
  return argv.map(quoteIfNeeded).join(' ')
}

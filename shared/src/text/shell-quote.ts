const needsNoQuotes = /^[A-Za-z0-9_@%+=:,./-]+$/

/** Puts one word into single quotes, so that bash reads exactly this value. */
export function quoteForShell(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`
}

/** Quotes one word only where necessary. */
export function quoteIfNeeded(value: string): string {
  return needsNoQuotes.test(value) ? value : quoteForShell(value)
}

/** Prints words so that a shell reads them back unchanged. */
export function printArgv(argv: readonly string[]): string {
  return argv.map(quoteIfNeeded).join(' ')
}

const reachingWord =
  /\b(?:system|getline|ENVIRON|PROCINFO|ARGV|ARGC|SYMTAB|FUNCTAB|close|extension|fflush|bindtextdomain|dcn?gettext)\b|@/

/** Why awk code, without its strings and patterns, reaches outside of the program; undefined where it does not. */
export function refuseAwkCode(code: string): string | undefined {
  const word = reachingWord.exec(code)?.[0]
  if (word !== undefined) return `awk's ${word} reaches outside of the program`
  if (/\|/.test(code.replaceAll('||', ''))) return 'an awk pipe runs a program'
  // A line goes on behind a comma, `&&` and `||`.
  const joined = code.replaceAll(/(,|&&|\|\|)\s*\n\s*/g, '$1 ')
  for (const statement of joined.split(/[;{}\n]/)) {
    const print = statement.search(/\bprintf?\b/)
    if (print >= 0 && statement.includes('>', print)) return 'awk print can write to a file'
  }
  // Outside of a print statement `>>` has no meaning in awk.
  return code.includes('>>') ? 'awk print can write to a file' : undefined
}

/** Whether a pattern would reach outside if it were code: words that reach, or a print that goes somewhere. */
export function looksOutside(pattern: string): boolean {
  if (reachingWord.test(pattern)) return true
  return /\bprintf?\b/.test(pattern) ? /[|>]/.test(pattern) : /[;{}].*[|>]|"[^/]*[|>]/.test(pattern)
}

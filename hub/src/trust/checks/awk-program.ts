const dangerousWord =
  /\b(?:system|getline|ENVIRON|PROCINFO|ARGV|ARGC|SYMTAB|FUNCTAB|close|extension|fflush)\b|@/
const operandEnd = /[\w)\]$"]$/
/** Characters of the longest word below. */
const longestKeyword = 6
const keywordEnd = /\b(?:return|in|print|printf|else|do|case|and|or|not|exit|delete)$/

/**
 * Why an awk program is more than computing and printing, or undefined: it runs programs, opens files, reads the
 * environment, or writes. Inside a print statement every `>` counts as writing.
 */
export function refuseAwkProgram(program: string): string | undefined {
  const code: string[] = []
  let at = 0
  while (at < program.length) {
    const char = program[at] ?? ''
    if (char === '"') {
      const end = endOfString(program, at)
      if (end === undefined) return 'an awk string without its end'
      code.push('""')
      at = end
    } else if (char === '#') {
      const end = program.indexOf('\n', at)
      at = end < 0 ? program.length : end
    } else if (char === '/' && startsRegex(code)) {
      const end = endOfRegex(program, at)
      if (end === undefined) return 'an awk pattern without its end'
      const body = program.slice(at + 1, end - 1)
      if (dangerousWord.test(body) || (body.includes('"') && /[|>]/.test(body))) {
        return 'an awk pattern that could be read as code'
      }
      code.push('0')
      at = end
    } else if (char === '\\') return 'a backslash in an awk program'
    else {
      code.push(char)
      at += 1
    }
  }
  return refuseCode(code.join(''))
}

function refuseCode(code: string): string | undefined {
  const word = dangerousWord.exec(code)?.[0]
  if (word !== undefined) return `awk's ${word} reaches outside of the program`
  if (/\|/.test(code.replaceAll('||', ''))) return 'an awk pipe runs a program'
  for (const statement of code.split(/[;{}\n]/)) {
    const print = statement.search(/\bprintf?\b/)
    if (print >= 0 && statement.includes('>', print)) return 'awk print can write to a file'
  }
  // Outside of a print statement `>>` has no meaning in awk.
  return code.includes('>>') ? 'awk print can write to a file' : undefined
}

/** Whether a slash after this code begins a pattern: only the last word before it tells. */
function startsRegex(code: readonly string[]): boolean {
  let end = code.length
  while (end > 0 && code[end - 1]?.trim() === '') end -= 1
  const before = code.slice(Math.max(0, end - longestKeyword - 1), end).join('')
  if (before === '' || /(?:\+\+|--)$/.test(before)) return before === ''
  return !operandEnd.test(before) || keywordEnd.test(before)
}

function endOfString(program: string, start: number): number | undefined {
  for (let at = start + 1; at < program.length; at += 1) {
    if (program[at] === '\\') at += 1
    else if (program[at] === '"') return at + 1
    else if (program[at] === '\n') return undefined
  }
  return undefined
}

function endOfRegex(program: string, start: number): number | undefined {
  let inClass = false
  for (let at = start + 1; at < program.length; at += 1) {
    const char = program[at]
    if (char === '\\') at += 1
    else if (char === '\n') return undefined
    else if (inClass) inClass = char !== ']'
    // A slash in a bracket ends the pattern in some awks and not in others.
    else if (char === '[' && program.slice(at + 1, program.indexOf(']', at)).includes('/'))
      return undefined
    else if (char === '[') inClass = true
    else if (char === '/') return at + 1
  }
  return undefined
}

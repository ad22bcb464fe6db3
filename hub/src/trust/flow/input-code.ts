/** Programs that run a line of what they read as shell code; the group of the pattern is the code. */
const table: readonly (readonly [programs: string, line: RegExp])[] = [
  [
    'ed red ex vi vim view nvim',
    /^\s{0,8}:?[\d,$.%;+-]{0,16}\s{0,8}(?:[erwE]|read|write|silent)?\s{0,8}!\s{0,8}(.+)$/gm,
  ],
  ['ftp sftp lftp tftp telnet gnuplot', /^\s{0,8}!\s{0,8}(.+)$/gm],
  ['psql', /^\s{0,8}\\!\s{0,8}(.+)$/gm],
  ['psql', /\b(?:to|from)\s{1,8}program\s{1,8}'((?:[^']|'')+)'/gi],
  ['psql', /^\s{0,8}\\(?:o|g|w)\s{0,8}\|(.+)$/gm],
  ['mysql mariadb', /^\s{0,8}(?:\\!|system)\s{1,8}(.+?);?$/gm],
  ['sqlite3', /^\s{0,8}\.(?:shell|system)\s{1,8}(.+)$/gm],
  ['gdb lldb', /^\s{0,8}(?:!|shell\s|platform\s{1,8}shell\s)\s{0,8}(.+)$/gm],
  ['gnuplot octave R julia', /\bsystem\s{0,8}\(?\s{0,8}["']([^"'\n]+)["']/g],
  ['tclsh wish expect', /^\s{0,8}exec\s{1,8}(.+)$/gm],
  ['dc', /!\s{0,8}([^<>=\s].*)$/gm],
  ['m4', /\be?syscmd\s{0,8}\(\s{0,8}`?([^')\n]+)/g],
  ['mail mailx mutt', /^~!\s{0,8}(.+)$/gm],
]
const byProgram = new Map<string, RegExp[]>()
for (const [programs, line] of table)
  for (const program of programs.split(' '))
    byProgram.set(program, [...(byProgram.get(program) ?? []), line])

/** Programs that start a shell on what they read where they are given no command. */
const opensShell =
  /^(?:su|sudo|doas|newgrp|sg|script|fakeroot|unshare|nsenter|chroot|nix-shell|parallel|rush)$/
const mostLines = 8
/** Text inserted by ed, up to a line with a dot alone. */
const inserted = /^[\d,$.]{0,16}[aic]\n[^]*?\n\.$/gm

/** Whether a program takes orders from what it reads. */
export function takesOrders(program: string): boolean {
  return byProgram.has(program) || opensShell.test(program)
}

/** Shell code in the orders that a program reads. */
export function codeInInput(program: string, args: readonly string[], input: string): string[] {
  if (opensShell.test(program)) return runsNothingElse(program, args) ? [input] : []
  const orders = program === 'ed' || program === 'red' ? input.replaceAll(inserted, '') : input
  return (byProgram.get(program) ?? [])
    .flatMap((line) => [...orders.matchAll(line)].map(([, code = '']) => code))
    .slice(0, mostLines)
}

function runsNothingElse(program: string, args: readonly string[]): boolean {
  const operands = args.filter((arg) => !arg.startsWith('-'))
  if (args.some((arg) => /^(?:-[a-zA-Z]*c|--command)/.test(arg))) return false
  if (/^(?:sudo|doas)$/.test(program)) return operands.length === 0
  return operands.length <= (/^(?:su|newgrp|sg|script|chroot)$/.test(program) ? 1 : 0)
}

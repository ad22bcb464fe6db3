/** Options, other than those of wrappers, whose value is shell code; the group of the pattern is the code. */
const table: readonly (readonly [programs: string, options: RegExp])[] = [
  ['tar gtar bsdtar', /^--checkpoint-action=exec=(.+)$/s],
  [
    'tar gtar bsdtar',
    /^--(?:to-command|use-compress-program|info-script|new-volume-script|rsh-command|rmt-command)=(.+)$/s,
  ],
  ['git', /^alias\.[\w-]+=!(.+)$/s],
  ['git', /^core\.(?:pager|editor|sshCommand|fsmonitor|askPass|hooksPath)=(.+)$/s],
  [
    'git',
    /^(?:diff\.external|credential\.helper|sequence\.editor|gpg\.program|pager\.\w+|filter\.\w+\.(?:clean|smudge|process)|uploadpack\.packObjectsHook)=!?(.+)$/s,
  ],
  ['git', /^--(?:upload-pack|receive-pack|exec)=(.+)$/s],
  ['git', /^ext::(.+)$/s],
  ['ssh scp sftp rsync', /^(?:-o\s*)?(?:ProxyCommand|LocalCommand|KnownHostsCommand)[= ](.+)$/s],
  ['vim vi ex view nvim ed', /^(?:\+|-c\s*)?:?!\s*(.+)$/s],
  ['psql', /^\\!\s*(.+)$/s],
  ['psql mysql mariadb', /^(?:\\!|system)\s+(.+)$/s],
  ['sqlite3', /^\.(?:shell|system)\s+(.+)$/s],
  ['rsync', /^--rsh=(.+)$/s],
  ['awk gawk mawk nawk', /\bsystem\s*\(\s*"((?:[^"\\]|\\.)*)"/s],
  ['awk gawk mawk nawk', /\bprint\b[^|}]*\|\s*"((?:[^"\\]|\\.)*)"/s],
  ['awk gawk mawk nawk', /"((?:[^"\\]|\\.)*)"\s*\|\s*getline/s],
  ['sed gsed', /(?:^|;|\d)\s*e\s+(.+)$/s],
  ['make gmake', /^SHELL=(.+)$/s],
  ['less more man', /^\+!(.+)$/s],
  ['gdb', /^(?:!|shell)\s*(.+)$/s],
  ['emacs', /\(shell-command\s+"((?:[^"\\]|\\.)*)"/s],
]
/** Options whose code is the word after them. */
const following: readonly (readonly [programs: string, options: RegExp])[] = [
  ['tar gtar bsdtar', /^(?:--to-command|--use-compress-program|-I|-F)$/],
  ['rsync', /^(?:-e|--rsh)$/],
  ['zip', /^(?:-TT|--unzip-command)$/],
  ['sort', /^--compress-program$/],
  ['man', /^(?:-P|--pager)$/],
  ['ansible', /^(?:-a|--args)$/],
  ['salt salt-ssh', /^cmd\.(?:run|shell)$/],
]

const byProgram = indexed(table)
const followingBy = indexed(following)
const eitherBy = indexed([...table, ...following])

function indexed(
  rows: readonly (readonly [string, RegExp])[],
): ReadonlyMap<string, readonly RegExp[]> {
  const map = new Map<string, RegExp[]>()
  for (const [programs, option] of rows)
    for (const program of programs.split(' '))
      map.set(program, [...(map.get(program) ?? []), option])
  return map
}

/** Whether one of a program's arguments is code, or an option before code. */
export function mayHoldCode(
  program: string,
  words: readonly { readonly value: string }[],
): boolean {
  const options = eitherBy.get(program)
  return options?.some((option) => words.some(({ value }) => option.test(value))) ?? false
}

/** Shell code that a program is given in one of its options. */
export function codeInOptions(program: string, args: readonly string[]): string[] {
  const direct = byProgram.get(program)
  const next = followingBy.get(program)
  if (!direct && !next) return []
  const found: string[] = []
  for (const [at, arg] of args.entries()) {
    if (found.length >= 4) break
    const code = direct?.map((option) => option.exec(arg)?.[1]).find((text) => text !== undefined)
    if (code !== undefined) found.push(code.replaceAll('\\"', '"'))
    if (next?.some((option) => option.test(arg)) === true) found.push(args[at + 1] ?? '')
  }
  return found
}

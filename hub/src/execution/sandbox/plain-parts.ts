import type { Part } from '@centralpost/shared'
import { needOf } from './machine-programs.ts'

/** Programs that show names, and metadata of files. */
const ofNames = `ls stat test [ readlink realpath basename dirname cd pushd popd pwd file du find tree which type command
  cat head tail wc`

/** Programs for text: their arguments, or their input. */
const ofText = `echo printf true false : grep egrep fgrep rg awk gawk mawk sed sort uniq cut tr tac nl column paste comm fold
  rev expand jq seq date sleep uname hostname whoami id nproc arch lscpu free uptime vmstat who last groups tty env`

/** Programs that only start another one, which is a part of its own. */
const wrappers = 'timeout time nice xargs bash sh'

const plainPrograms: ReadonlySet<string> = new Set(
  `${ofNames} ${ofText} ${wrappers}`.split(/\s+/).filter(Boolean),
)

/** Whether a part only activates a virtual environment: the hub does that itself. */
export function isActivation({ program, words }: Part): boolean {
  const isAsked = (program === 'source' || program === '.') && words.length === 2
  return isAsked && (words[1]?.value.endsWith('bin/activate') ?? false)
}

/**
 * Whether a part may run beside one that sees something of the machine: a system program that
 * reports on the machine, or handles names or text. Programs of a project, package managers and
 * compilers may not.
 */
export function isPlain(part: Part): boolean {
  if (part.program === '') return part.words.length === 0
  if (isActivation(part)) return true
  return isOfSystem(part) && (plainPrograms.has(part.program) || needOf(part) !== null)
}

const nothing = /^(?!)/

/** Programs that answer without a file of a project, with all allowed arguments. */
const fileless: ReadonlyMap<string, RegExp> = new Map([
  ...['arch', 'whoami', 'groups', 'tty', 'true', 'false', 'mount', 'findmnt', 'who', 'w'].map(
    (name): [string, RegExp] => [name, nothing],
  ),
  ['echo', /^/],
  ['pwd', /^-[LP]$/],
  ['date', /^(?:\+.*|-[uR]|-I\w*|--utc)$/],
  ['uname', /^-[asnrvmpio]+$/],
  ['nproc', /^--all$/],
  ['id', /^-[unGgr]+$/],
  ['uptime', /^-[ps]$/],
  ['free', /^-[hbkmgtw]+$/],
  ['lscpu', /^-[aeJ]$/],
  // except those that show environments
  ['ps', /^(?:-e|-f|-ef|-A|-a|-x|a|x|ax|aux|auxf|axu)$/],
  ['pgrep', /^(?:-[afl]+|\w[\w.-]*)$/],
  ['pidof', /^\w[\w.-]*$/],
  ['df', /^-[hHTkmila]+$/],
  ['ss', /^-[tulnap46s]+$/],
  ['netstat', /^-[tulnarps]+$/],
])

/** Programs that print their version without a file of a project. */
const tellingVersions: ReadonlySet<string> = new Set(
  'bash git grep sed awk tar curl wget ssh make gcc g++ clang node python3 perl docker psql sqlite3'.split(
    ' ',
  ),
)

/**
 * Whether a part means the same wherever it runs: known word for word, without a file, a pattern or
 * a variable. Such a part may run without approval even where nothing can be confined.
 */
export function isFileless(part: Part): boolean {
  const { program, words, redirects, isAppended, isWrapper } = part
  if (isAppended || isWrapper || !isOfSystem(part)) return false
  if (redirects.some(({ target }) => target.value !== '/dev/null')) return false
  if (words.some(({ exact, glob }) => !exact || glob)) return false
  if (tellingVersions.has(program)) return words.length === 2 && words[1]?.value === '--version'
  const may = fileless.get(program)
  return may !== undefined && words.slice(1).every(({ value }) => may.test(value))
}

/** Whether its program word is a bare name, or a path of the system's programs. */
function isOfSystem({ program, words }: Part): boolean {
  const called = words[0]?.value ?? ''
  return called === program || /^(?:\/usr(?:\/local)?)?\/s?bin\/[^/]+$/.test(called)
}

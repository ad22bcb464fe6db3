import type { Part } from '@centralpost/shared'
import { needOf } from './machine-programs.ts'

/** Programs that show names, and what is known of files. */
const ofNames = `ls stat test [ readlink realpath basename dirname cd pushd popd pwd file du find tree which type command
  cat head tail wc`

/** Programs that work on text: their own, or what they read. */
const ofText = `echo printf true false : grep egrep fgrep rg awk gawk mawk sed sort uniq cut tr tac nl column paste comm fold
  rev expand jq seq date sleep uname hostname whoami id nproc arch lscpu free uptime vmstat who last groups tty env`

/** What only starts another one, which is a part of its own. */
const wrappers = 'timeout time nice xargs bash sh'

const plainPrograms: ReadonlySet<string> = new Set(
  `${ofNames} ${ofText} ${wrappers}`.split(/\s+/).filter(Boolean),
)

/** Whether a part is only the word by which a virtual environment is asked for: the hub applies that itself. */
export function isActivation({ program, words }: Part): boolean {
  const isAsked = (program === 'source' || program === '.') && words.length === 2
  return isAsked && (words[1]?.value.endsWith('bin/activate') ?? false)
}

/**
 * Whether a part may stand beside one that is shown something of the machine: it is a program of the system's that tells of
 * the machine, of names, or of text. A program of a project, a package manager or a compiler is none of these.
 */
export function isPlain(part: Part): boolean {
  if (part.program === '') return part.words.length === 0
  if (isActivation(part)) return true
  return isOfSystem(part) && (plainPrograms.has(part.program) || needOf(part) !== null)
}

const nothing = /^(?!)/

/** Programs that take no file of a project to say what they say, with all that each may be given. */
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
  // not what shows environments
  ['ps', /^(?:-e|-f|-ef|-A|-a|-x|a|x|ax|aux|auxf|axu)$/],
  ['pgrep', /^(?:-[afl]+|\w[\w.-]*)$/],
  ['pidof', /^\w[\w.-]*$/],
  ['df', /^-[hHTkmila]+$/],
  ['ss', /^-[tulnap46s]+$/],
  ['netstat', /^-[tulnarps]+$/],
])

/** Programs whose version says itself without a file of a project. */
const tellingVersions: ReadonlySet<string> = new Set(
  'bash git grep sed awk tar curl wget ssh make gcc g++ clang node python3 perl docker psql sqlite3'.split(
    ' ',
  ),
)

/**
 * Whether a part is what it seems wherever it runs: known word for word, without a file, a pattern or a variable of anybody's
 * choosing. It is what may run unasked where nothing can be confined.
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

/** Whether the word that starts it is a bare name, or says where the system keeps it. */
function isOfSystem({ program, words }: Part): boolean {
  const called = words[0]?.value ?? ''
  return called === program || /^(?:\/usr(?:\/local)?)?\/s?bin\/[^/]+$/.test(called)
}

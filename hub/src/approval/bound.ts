import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, glob, open, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { isHeldFile, type Judgement } from '@centralpost/shared'

/** What a command runs besides its own text: program or file, and where it is or what it holds. */
export type Bound = Readonly<Record<string, string>>

/** Under which name it says how the command will be confined. */
export const sandboxBound = 'sandbox'

const notBound = 'not bound'

const maxHashedBytes = 1_048_576
const mostWords = 2048
const mostMatches = 64

/** Programs that run what a file holds, whatever its name. */
const interpreters =
  /^(\.|source|bash|sh|dash|zsh|ksh|fish|python[\d.]*|pypy[\d.]*|node|deno|bun|ruby|perl|php|lua[\d.]*|tclsh|expect|Rscript|awk|gawk|mawk|sed|make|gmake|ninja|just|ansible-playbook|psql|mysql|sqlite3|gdb|vim?|xargs|parallel)$/

/** Files that a program runs although the command does not name them. */
const impliedFiles: Readonly<Record<string, readonly string[]>> = {
  make: ['GNUmakefile', 'makefile', 'Makefile'],
  npm: ['package.json'],
  pnpm: ['package.json'],
  yarn: ['package.json'],
  docker: ['Dockerfile', 'docker-compose.yml', 'compose.yaml'],
  just: ['justfile'],
}

const scriptName =
  /\.(sh|bash|zsh|py|pyw|js|mjs|cjs|ts|mts|cts|rb|pl|pm|php|lua|awk|sed|sql|mk|ps1)$/i

/**
 * Looks up what an approval binds beside the words of a command: where each of its programs is, and what each file holds
 * that it may run. That is every file that is named beside an interpreter, and elsewhere those that are executable or have
 * a script's ending. What cannot be bound is said.
 *
 * @param whereIs finds a program as the executor would; null when it is not there
 * @param sandbox how it will be confined, in words
 */
export async function boundOf(
  { verdict }: Judgement,
  cwd: string,
  whereIs: (program: string, cwd: string, venv?: string) => string | null,
  sandbox: string,
): Promise<Bound> {
  const { programs, words } = wordsOf(verdict)
  const { venv } = verdict.plan
  const found = new Map<string, string>([[sandboxBound, sandbox]])
  for (const program of programs) {
    const place = whereIs(program, cwd, venv)
    if (place === null) continue
    found.set(`program ${program}`, place)
    // what an environment of the project has under a program's name is as easily changed as a script
    const held =
      venv !== undefined && place.startsWith(`${venv}/`) && (await contentOf(place, true))
    if (held) found.set(`file ${place}`, held)
  }
  const implied = programs.flatMap((program) => impliedFiles[basename(program)] ?? [])
  const isAny = words.some((word) => interpreters.test(basename(word)))
  const unbound: string[] = []
  if (words.length > mostWords) unbound.push(`the words after the first ${mostWords}`)
  const directories = [cwd, ...words.slice(0, 64).map((word) => resolve(cwd, word))]
  const isMoving = words.some((word) => /^(cd|pushd|-C|--directory)$/.test(word))
  for (const word of [...words.slice(0, mostWords), ...implied]) {
    for (const directory of isMoving ? directories : [cwd]) {
      const { files, isAll } = await filesOf(resolve(directory, word))
      if (!isAll) unbound.push(`what ${word} matches after the first ${mostMatches}`)
      for (const path of files) {
        const isBound = isAny || implied.includes(word) || scriptName.test(path)
        const held = await contentOf(path, isBound)
        if (held !== null) found.set(`file ${path}`, held)
      }
    }
  }
  if (unbound.length > 0) found.set(notBound, unbound.join('; '))
  return Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Says in one sentence what is different. Null when nothing is. */
export function differenceOf(before: Bound, after: Bound): string | null {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const changed = [...names].filter((name) => before[name] !== after[name])
  return changed.length === 0 ? null : `changed since it was shown: ${changed.join(', ')}`
}

/** What can change between the approval and the start, each in words. */
export function unboundOf(bound: Bound): string[] {
  return Object.entries(bound)
    .filter(([name]) => name.startsWith(notBound))
    .map(([name, why]) => (name === notBound ? why : `${name.slice(notBound.length + 1)}: ${why}`))
}

function wordsOf(verdict: Judgement['verdict']): { programs: string[]; words: string[] } {
  const { plan } = verdict
  const texts = plan.kind === 'argv' ? [] : [plan.script, ...verdict.units.map((unit) => unit.text)]
  const lists = texts.map((text) => text.split(/[\s'"`;&|()<>$={}\\]+/).filter(Boolean))
  if (plan.kind === 'argv') lists.push([...plan.argv])
  const programs = lists.map(([first]) => first).filter((first) => first !== undefined)
  return {
    programs: [...new Set(programs)].filter((word) => /^[\w./+-]{1,256}$/.test(word)).slice(0, 64),
    words: [...new Set(lists.flat())].filter((word) => word.length < 1024),
  }
}

async function filesOf(path: string): Promise<{ files: string[]; isAll: boolean }> {
  if (!/[*?[]/.test(path)) return { files: [path], isAll: true }
  const files: string[] = []
  for await (const match of glob(path)) {
    if (files.length === mostMatches) return { files: files.toSorted(), isAll: false }
    files.push(match)
  }
  return { files: files.toSorted(), isAll: true }
}

/**
 * What a file holds, as a hash; of a long one, when it was last changed, which unlike the time of its last writing nobody
 * can set. Null for what need not be bound.
 */
async function contentOf(path: string, isBound: boolean): Promise<string | null> {
  try {
    // the hub's own database by another name: to open it would cost its locks
    if (isHeldFile(await stat(path))) return 'the database of the hub'
    // never waits for a writer of a named pipe
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const found = await file.stat({ bigint: true })
    if (!found.isFile()) return null
    if (!isBound) await access(path, constants.X_OK)
    if (found.size > maxHashedBytes)
      return `${found.ino}-${found.size}-${found.mtimeNs}-${found.ctimeNs}`
    return createHash('sha256')
      .update(await file.readFile())
      .digest('hex')
  } catch {
    // not there, not readable or no script: nothing that could be bound
    return null
  }
}

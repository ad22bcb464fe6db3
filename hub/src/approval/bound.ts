import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, open } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Verdict } from '@centralpost/shared'

/** What a command runs besides its own text: program or file, and where it is or what it holds. */
export type Bound = Readonly<Record<string, string>>

const maxScriptBytes = 1_048_576

/** Files that a program runs although the command does not name them. */
const impliedFiles: Readonly<Record<string, readonly string[]>> = {
  make: ['GNUmakefile', 'makefile', 'Makefile'],
  npm: ['package.json'],
  pnpm: ['package.json'],
  yarn: ['package.json'],
  docker: ['Dockerfile', 'docker-compose.yml', 'compose.yaml'],
}

const scriptName =
  /\.(sh|bash|zsh|py|pyw|js|mjs|cjs|ts|mts|cts|rb|pl|pm|php|lua|awk|sed|sql|mk|ps1)$/i

/**
 * Looks up what an approval binds beside the words of a command: where each of its programs is, and what each script
 * holds that it names (a file that is executable or has a script's ending).
 *
 * @param whereIs finds a program as the executor would; null when it is not there
 */
export async function boundOf(
  verdict: Verdict,
  cwd: string,
  whereIs: (program: string, cwd: string) => string | null,
): Promise<Bound> {
  const words = wordsOf(verdict)
  const found: [string, string][] = []
  for (const program of words.programs) {
    const place = whereIs(program, cwd)
    if (place !== null) found.push([`program ${program}`, place])
  }
  const implied = words.programs.flatMap((program) => impliedFiles[basename(program)] ?? [])
  for (const name of new Set([...words.all, ...implied])) {
    const hash = await hashOfScript(resolve(cwd, name), implied.includes(name))
    if (hash !== null) found.push([`file ${resolve(cwd, name)}`, hash])
  }
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Says in one sentence what is different. Null when nothing is. */
export function differenceOf(before: Bound, after: Bound): string | null {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const changed = [...names].filter((name) => before[name] !== after[name])
  return changed.length === 0 ? null : `changed since it was shown: ${changed.join(', ')}`
}

function wordsOf(verdict: Verdict): { programs: string[]; all: string[] } {
  const { plan } = verdict
  const texts = plan.kind === 'argv' ? [] : [plan.script, ...verdict.units.map((unit) => unit.text)]
  const words = texts.map((text) => text.split(/[\s'"`;&|()<>$={}\\]+/).filter(Boolean))
  if (plan.kind === 'argv') words.push([...plan.argv])
  const programs = words.map(([first]) => first).filter((first) => first !== undefined)
  return {
    programs: [...new Set(programs)].filter((word) => /^[\w./+-]{1,256}$/.test(word)).slice(0, 64),
    all: [...new Set(words.flat())].filter((word) => word.length < 1024).slice(0, 256),
  }
}

async function hashOfScript(path: string, isImplied: boolean): Promise<string | null> {
  try {
    // never waits for a writer of a named pipe
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { size } = await file.stat().then((stat) => (stat.isFile() ? stat : { size: -1 }))
    if (size < 0 || size > maxScriptBytes) return null
    if (!isImplied && !scriptName.test(path)) await access(path, constants.X_OK)
    return createHash('sha256')
      .update(await file.readFile())
      .digest('hex')
  } catch {
    // not there, not readable or no script: nothing that could be bound
    return null
  }
}

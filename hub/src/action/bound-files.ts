import { resolve } from 'node:path'
import { isWithin, type Judgement } from '@centralpost/shared'
import { Binder } from './binding/binder.ts'
import { namesIn } from './binding/names-in-words.ts'
import { bindPart } from './binding/part-files.ts'

/** What a command runs besides its own text: program or file, and where it is or what it holds. */
export type Bound = Readonly<Record<string, string>>

/** Under which name it says how the command will be confined. */
export const sandboxBound = 'sandbox'
const notBound = 'not bound '

const mostPrograms = 64
const mostPlaces = 16
const mostNamed = 8
/** How many differences are named. */
const mostTold = 8

/** Where the system keeps its programs: only whoever rules the machine changes them. */
const systemPlaces = ['/usr', '/bin', '/sbin', '/lib', '/opt', '/nix/store', '/snap']

/** Rules under which a part of the text was not read to its end. */
const unread: ReadonlySet<string> = new Set([
  'too-deep',
  'too-many',
  'parse-error',
  'classifier-error',
])

/** What is known of an action besides its judgement. */
export interface BoundContext {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** finds a program as the executor would; null when it is not there */
  readonly whereIs: (program: string, cwd: string, venv?: string) => string | null
  /** how it will be confined, in words */
  readonly sandbox: string
}

/**
 * Looks up what an approval binds beside the words of a command: where each of its programs is, and what each file holds
 * that one of its parts names, or that a program reads by implication. What cannot be bound is said.
 */
export async function boundOf(judgement: Judgement, context: BoundContext): Promise<Bound> {
  const { verdict, parts, isWhole } = judgement
  const binder = new Binder(context.cwd)
  const places = placesOf(judgement, context.cwd, binder)
  const programs = await bindPrograms(judgement, context, binder)
  for (const part of parts) await bindPart(part, places, binder)
  const names = [...new Set(parts.map(({ program }) => program))].filter((name) =>
    /^[\w.+-]+$/.test(name),
  )
  const texts = [...Object.values(context.env), textOf(judgement)]
  await bindText(texts, places, names.slice(0, mostNamed), binder)
  if (!isWhole || verdict.units.some(({ rule }) => unread.has(rule))) {
    binder.note('parts of the command', 'they could not be read')
  }
  const found = [
    [sandboxBound, context.sandbox],
    ...programs,
    ...[...binder.files].map(([path, held]) => [`file ${path}`, held]),
    ...[...binder.unbound].map(([what, why]) => [`${notBound}${what}`, why]),
  ] as [string, string][]
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Says in one sentence what is different, by name. Null when nothing is. */
export function differenceOf(before: Bound, after: Bound, since = 'it was shown'): string | null {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted()
  const changed = names.filter((name) => before[name] !== after[name])
  if (changed.length === 0) return null
  // files first: they tell most
  const told = [...changed.filter(isFile), ...changed.filter((name) => !isFile(name))]
  const shown = told.slice(0, mostTold).map((name) => {
    if (before[name] === undefined) return `${name} (new)`
    return after[name] === undefined ? `${name} (gone)` : name
  })
  const left = told.length - shown.length
  return `changed since ${since}: ${shown.join(', ')}${left > 0 ? ` and ${left} more` : ''}`
}

function isFile(name: string): boolean {
  return name.startsWith('file ')
}

/** What can change between the approval and the start, each in words. */
export function unboundOf(bound: Bound): string[] {
  return Object.entries(bound)
    .filter(([name]) => isUnbound(name))
    .map(([name, why]) => `${name.slice(notBound.length)}: ${why}`)
}

/** Whether an entry says what is not bound. */
export function isUnbound(name: string): boolean {
  return name.startsWith(notBound)
}

/** The paths of the files that are bound by what they hold. */
export function boundFiles(bound: Bound): string[] {
  return Object.keys(bound)
    .filter(isFile)
    .map((name) => name.slice('file '.length))
}

/** The directories that the parts work in. Which of them holds for a part may depend on what ran before it. */
function placesOf({ parts }: Judgement, cwd: string, binder: Binder): string[] {
  const places = new Set([cwd])
  for (const { program, words, cwd: place } of parts) {
    if (place !== undefined) places.add(place)
    if (program !== 'pushd' && program !== 'cd') continue
    for (const { value } of words.slice(1)) places.add(resolve(place ?? cwd, value))
  }
  if (places.size > mostPlaces) {
    binder.note('directories', `more than ${mostPlaces}; names in the others are not looked at`)
  }
  return [...places].slice(0, mostPlaces)
}

async function bindPrograms(
  { verdict, parts }: Judgement,
  { cwd, whereIs }: BoundContext,
  binder: Binder,
): Promise<[string, string][]> {
  const { venv } = verdict.plan
  const named = parts.flatMap(({ program, words: [first] }) => [program, first?.value ?? ''])
  const found = new Map<string, string>()
  for (const name of new Set(named)) {
    if (found.size >= mostPrograms || !/^[\w./+-]{1,256}$/.test(name)) continue
    const place = whereIs(name, cwd, venv)
    if (place === null) continue
    found.set(`program ${name}`, place)
    const isSystem = systemPlaces.some((directory) => isWithin(place, directory))
    if (!isSystem) await binder.bind(place)
  }
  return [...found]
}

/**
 * Binds what loops, assignments and redirections of compounds name, which belong to no part; and what a directory that is
 * named holds under the name of a program, which `PATH=./bin:$PATH` makes it run.
 */
async function bindText(
  texts: readonly string[],
  places: readonly string[],
  programs: readonly string[],
  binder: Binder,
): Promise<void> {
  for (const text of texts) {
    for (const name of namesIn(text)) {
      for (const place of places) {
        if (/[*?]/.test(name)) await binder.bindPattern(name, place)
        const { kind } = await binder.bind(resolve(place, name))
        if (kind !== 'directory') continue
        for (const program of programs) await binder.bind(resolve(place, name, program))
      }
    }
  }
}

/** Where output goes: what is there already is not run by that, and what is written all the time would never be as shown. */
const outputs = /(?:\d*|&)>(?:>|\||&)?\s*(?:'[^']*'|"[^"]*"|[^\s;&|()<>'"]+)/g

function textOf({ verdict: { plan } }: Judgement): string {
  return plan.kind === 'argv' ? '' : plan.script.replaceAll(outputs, ' ')
}

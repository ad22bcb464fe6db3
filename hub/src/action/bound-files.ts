import { resolve } from 'node:path'
import { isWithin, type Judgement } from '@centralpost/shared'
import { Binder } from './binding/binder.ts'
import { namesIn } from './binding/names-in-words.ts'
import { bindPart } from './binding/part-files.ts'

/** A program or file that a command runs, with its path or content. */
export type Bound = Readonly<Record<string, string>>

/** The name of the entry for the command's confinement. */
export const sandboxBound = 'sandbox'
const notBound = 'not bound '

const mostPrograms = 64
const mostPlaces = 16
const mostNamed = 8
/** The number of differences listed by name. */
const mostTold = 8

/** Program directories of the system, which only administrators can change. */
const systemPlaces = ['/usr', '/bin', '/sbin', '/lib', '/opt', '/nix/store', '/snap']

/** Rules that stop reading a text before its end. */
const unread: ReadonlySet<string> = new Set([
  'too-deep',
  'too-many',
  'parse-error',
  'classifier-error',
])

/** Facts about an action besides its verdict. */
export interface BoundContext {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** finds a program as the executor does; null when missing */
  readonly whereIs: (program: string, cwd: string, venv?: string) => string | null
  /** the confinement, in words */
  readonly sandbox: string
}

/**
 * Collects everything that an approval binds besides the words: the path of each program, and the
 * content of each file that the parts name or that programs read implicitly. Lists what it cannot
 * bind.
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
    binder.note('parts of the command', 'unreadable')
  }
  const found = [
    [sandboxBound, context.sandbox],
    ...programs,
    ...[...binder.files].map(([path, held]) => [`file ${path}`, held]),
    ...[...binder.unbound].map(([what, why]) => [`${notBound}${what}`, why]),
  ] as [string, string][]
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Describes the differences by name, in one sentence. Null when there are none. */
export function differenceOf(before: Bound, after: Bound, since = 'it was shown'): string | null {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted()
  const changed = names.filter((name) => before[name] !== after[name])
  if (changed.length === 0) return null
  // files first: they are the most informative
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

/** Everything that can change between approval and start, in words. */
export function unboundOf(bound: Bound): string[] {
  return Object.entries(bound)
    .filter(([name]) => isUnbound(name))
    .map(([name, why]) => `${name.slice(notBound.length)}: ${why}`)
}

/** Whether an entry describes something unbound. */
export function isUnbound(name: string): boolean {
  return name.startsWith(notBound)
}

/** The paths of files bound by content. */
export function boundFiles(bound: Bound): string[] {
  return Object.keys(bound)
    .filter(isFile)
    .map((name) => name.slice('file '.length))
}

/** The working directories of the parts. A part's directory may depend on earlier parts. */
function placesOf({ parts }: Judgement, cwd: string, binder: Binder): string[] {
  const places = new Set([cwd])
  for (const { program, words, cwd: place } of parts) {
    if (place !== undefined) places.add(place)
    if (program !== 'pushd' && program !== 'cd') continue
    for (const { value } of words.slice(1)) places.add(resolve(place ?? cwd, value))
  }
  if (places.size > mostPlaces) {
    binder.note('directories', `more than ${mostPlaces}; names in the others are not checked`)
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
 * Binds names in loops, assignments and redirections of compounds, which belong to no part; and
 * files of a named directory that bear a program's name, which `PATH=./bin:$PATH` would run.
 */
async function bindText(
  texts: readonly string[],
  places: readonly string[],
  programs: readonly string[],
  binder: Binder,
): Promise<void> {
  for (const text of texts) {
    for (const place of places) {
      for (const name of namesIn(text.replaceAll(/\$(?:PWD\b|\{PWD\})/g, place))) {
        if (/[*?]/.test(name)) await binder.bindPattern(name, place)
        const { kind } = await binder.bind(resolve(place, name))
        if (kind !== 'directory') continue
        for (const program of programs) await binder.bind(resolve(place, name, program))
      }
    }
  }
}

/** Output files: writing does not run their content, and a log changes all the time. */
const outputs = /(?:\d*|&)>(?:>|\||&)?\s*(?:'[^']*'|"[^"]*"|[^\s;&|()<>'"]+)/g

function textOf({ verdict: { plan } }: Judgement): string {
  return plan.kind === 'argv' ? '' : plan.script.replaceAll(outputs, ' ')
}

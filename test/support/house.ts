import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** A file of ours, with what it imports. */
export interface SourceFile {
  /** from the root of the clone, with slashes */
  readonly path: string
  readonly text: string
  /** files of ours by path, packages by name; type-only imports among them */
  readonly imports: readonly string[]
}

const packages: Readonly<Record<string, string>> = {
  '@centralpost/shared': 'shared/src/index.ts',
  '@centralpost/hub': 'hub/src/index.ts',
  '@centralpost/agents': 'agents/src/index.ts',
}

/** Every source file below folders of the clone. */
export function sourcesBelow(root: string, folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && !/\.d\.ts$|\.tsbuild|node_modules/.test(name))
      .toSorted()
      .map((name) => readSource(root, join(folder, name))),
  )
}

function readSource(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8')
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([\w@./:#-]+)'/g)].map(
    ([, to = '']) =>
      to.startsWith('.') ? relative(root, resolve(root, dirname(path), to)) : (packages[to] ?? to),
  )
  return { path, text, imports: [...new Set(imports)] }
}

/** Groups that reach one another, each in the order of its names; a group of one is no circle. */
export function circlesOf(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const reached = new Map([...arrows.keys()].map((from) => [from, reach(arrows, from)]))
  const groups = new Map<string, string[]>()
  for (const [from, others] of reached) {
    const group = [...others].filter((to) => reached.get(to)?.has(from)).toSorted()
    if (group.length > 1) groups.set(group.join(), group)
  }
  return [...groups.values()]
}

function reach(arrows: ReadonlyMap<string, ReadonlySet<string>>, from: string): Set<string> {
  const found = new Set<string>()
  const waiting = [from]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const to of arrows.get(next) ?? []) {
      if (found.has(to)) continue
      found.add(to)
      waiting.push(to)
    }
  }
  return found
}

/** Circles of files, imports of types among them. */
export function fileCircles(sources: readonly SourceFile[]): string[][] {
  return circlesOf(new Map(sources.map(({ path, imports }) => [path, new Set(imports)])))
}

/**
 * Circles of rooms: of what stands side by side in a folder, a folder below counts as one with all that is in it. A
 * folder's `index.ts` is a door for others, so it stands outside.
 * Circles of files alone are `fileCircles`.
 */
export function folderCircles(sources: readonly SourceFile[]): string[][] {
  const ours = new Set(sources.map(({ path }) => path))
  const levels = new Map<string, Map<string, Set<string>>>()
  for (const { path, imports } of sources.filter((one) => !one.path.endsWith('/index.ts'))) {
    for (const to of imports.filter((one) => ours.has(one))) {
      const [level, one, other] = whereTheyPart(path, to)
      const arrows = levels.get(level) ?? new Map<string, Set<string>>()
      levels.set(level, arrows)
      arrows.set(one, (arrows.get(one) ?? new Set()).add(other))
    }
  }
  return [...levels.values()]
    .flatMap((arrows) => circlesOf(arrows))
    .filter((circle) => circle.some((one) => !/\.tsx?$/.test(one)))
}

/** The folder in which the ways to two files part, and what in it leads to each. */
function whereTheyPart(one: string, other: string): [level: string, one: string, other: string] {
  const a = one.split('/')
  const b = other.split('/')
  const at = a.findIndex((step, index) => step !== b[index])
  return [upTo(a, at), upTo(a, at + 1), upTo(b, at + 1)]
}

/** How many files stand directly in each folder, most first. */
export function filesOfFolders(sources: readonly SourceFile[]): [folder: string, count: number][] {
  const counts = new Map<string, number>()
  for (const { path } of sources) {
    counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  }
  return [...counts].toSorted(([, one], [, other]) => other - one)
}

/** Names that more than one file exports, each with those files. */
export function doubledNames(sources: readonly SourceFile[]): [name: string, files: string[]][] {
  const declared =
    /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|let) (\w+)/gm
  const files = new Map<string, Set<string>>()
  for (const { path, text } of sources) {
    for (const [, name = ''] of text.matchAll(declared)) {
      files.set(name, (files.get(name) ?? new Set()).add(path))
    }
  }
  return [...files]
    .filter(([, all]) => all.size > 1)
    .map(([name, all]): [string, string[]] => [name, [...all]])
    .toSorted(([one], [other]) => one.localeCompare(other))
}

/** Lines that a pattern is found in, as `file:line`. */
export function placesOf(sources: readonly SourceFile[], pattern: RegExp): string[] {
  return sources.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  )
}

export const linesOf = ({ text }: SourceFile): number => text.split('\n').length - 1

const upTo = (path: readonly string[], count: number): string => path.slice(0, count).join('/')

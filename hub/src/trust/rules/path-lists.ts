/** A path and what lists find their entries by. */
export class Path {
  readonly text: string
  /** Its last name. */
  readonly name: string
  /** Its first name, where it is absolute. */
  readonly root: string

  constructor(text: string) {
    this.text = text
    this.name = text.slice(text.lastIndexOf('/') + 1)
    this.root = rootOf(text)
  }
}

/** Whether a path is on a list, by looking only at the entries that can match it. */
export type PathList = (path: Path) => boolean

/** Compiles globs: `~/x` below any home, `/x` absolute, `x` at any depth, `\\*` a star itself. */
export function pathList(source: readonly string[]): PathList {
  // A name at any depth is a name.
  const globs = source.map((glob) => (/^\*\*\/[^/*]+$/.test(glob) ? glob.slice(3) : glob))
  const names = globs.filter((glob) => !/[/~]/.test(glob))
  const exact = new Set(names.filter((name) => !/[*?\\]/.test(name)))
  const lists = {
    name: nameList(names.filter((name) => !exact.has(name))),
    home: joined(globs.filter((glob) => glob.startsWith('~'))),
    deep: deepList(globs.filter((glob) => glob.startsWith('**/'))),
  }
  const byRoot = new Map<string, string[]>()
  for (const glob of globs) {
    if (!glob.startsWith('/')) continue
    const root = rootOf(glob.replaceAll('\\*', '*'))
    byRoot.set(root, [...(byRoot.get(root) ?? []), glob])
  }
  const roots = new Map([...byRoot].map(([root, list]) => [root, joined(list)]))
  return (path) => {
    const { text, name, root } = path
    if (exact.has(name) || lists.name(name)) return true
    if (text.startsWith('~') ? lists.home?.test(text) : roots.get(root)?.test(text)) return true
    return lists.deep(path)
  }
}

/** The first name of an absolute path. */
function rootOf(path: string): string {
  const slash = path.indexOf('/', 1)
  return slash < 0 ? path : path.slice(0, slash)
}

/** Globs at any depth. Those of a fixed number of names look at as many names at the end, however long the path. */
function deepList(globs: readonly string[]): PathList {
  const all = joined(globs)
  const open = joined(globs.filter((glob) => glob.lastIndexOf('**') > 0))
  const byCount = new Map<number, string[]>()
  for (const glob of globs) {
    if (glob.lastIndexOf('**') > 0) continue
    const tail = glob.slice(3)
    const count = tail.split('/').length
    byCount.set(count, [...(byCount.get(count) ?? []), tail])
  }
  const tails = [...byCount].map(([count, list]) => [count, joined(list)] as const)
  if (!all) return () => false
  return ({ text }) => {
    // `**` does not match across a line's end.
    if (text.includes('\n')) return all.test(text)
    if (tails.some(([count, tail]) => tail?.test(lastNames(text, count)))) return true
    return open?.test(text) ?? false
  }
}

function lastNames(path: string, count: number): string {
  let from = path.length
  for (let left = count; left > 0 && from > 0; left -= 1) from = path.lastIndexOf('/', from - 1)
  return path.slice(from + 1)
}

/** Patterns on names, found by the character that they end with; few names end with one of a pattern. */
function nameList(globs: readonly string[]): (name: string) => boolean {
  const byEnd = Map.groupBy(globs, (glob) => glob.at(-1) ?? '')
  const open = joinedNames([...byEnd].flatMap(([end, list]) => (/[*?\]]/.test(end) ? list : [])))
  const lists = new Map([...byEnd].map(([end, list]) => [end, joinedNames(list)]))
  return (name) =>
    (lists.get(name.at(-1) ?? '')?.test(name) ?? false) || (open?.test(name) ?? false)
}

/** Patterns on names begin with a star mostly; searching for their rest is faster than matching the whole. */
function joinedNames(globs: readonly string[]): RegExp | undefined {
  if (globs.length === 0) return undefined
  const sources = globs.map((glob) =>
    glob.startsWith('*') ? `${globSource(glob.slice(1))}$` : `^${globSource(glob)}$`,
  )
  return new RegExp(sources.join('|'))
}

function joined(globs: readonly string[]): RegExp | undefined {
  return globs.length === 0 ? undefined : new RegExp(`^(?:${globs.map(globSource).join('|')})$`)
}

function globSource(glob: string): string {
  return glob
    .replaceAll('\\*', '\u0001')
    .replaceAll(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('?', '[^/]')
    .replaceAll('**/', '\u0002')
    .replaceAll('**', '\u0000')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0000', '.*')
    .replaceAll('\u0001', '\\*')
    .replaceAll('\u0002', '(?:.*/)?')
}

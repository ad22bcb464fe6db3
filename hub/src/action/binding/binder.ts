import { dirname, extname, resolve } from 'node:path'
import { type ByteBudget, type Found, lookAt } from './file-content.ts'
import { expandPattern, type NameBudget } from './file-patterns.ts'
import { namesIn } from './names-in-words.ts'

const mostFiles = 256
const mostLooks = 4096
const mostBytes = 33_554_432
const mostMatches = 64
const mostListed = 4096
const mostUnbound = 48

/** A name within a bound file that may denote another file of code or settings. */
const runsByName =
  /\.(sh|bash|zsh|py|pyw|js|mjs|cjs|ts|mts|cts|rb|pl|pm|php|lua|awk|sed|sql|mk|ps1|inc|env|toml|ya?ml|cfg|ini|conf|gradle|kts|cmake|in|r|jl)$/i

/** Collects the binding of one approval: examines each path once, within the limits. */
export class Binder {
  readonly #place: string
  readonly #bytes: ByteBudget = { left: mostBytes }
  readonly #names: NameBudget = { left: mostListed }
  readonly #seen = new Map<string, Found>()
  readonly #files = new Map<string, string>()
  readonly #unbound = new Map<string, string>()
  readonly #followed = new Set<string>()
  #left = 0

  /** @param place the action's directory */
  constructor(place: string) {
    this.#place = place
  }

  /** The bound files by path, each with a fingerprint of its content. */
  get files(): ReadonlyMap<string, string> {
    return this.#files
  }

  /** Unbound things, with reasons. */
  get unbound(): ReadonlyMap<string, string> {
    const left = this.#left
    return left === 0
      ? this.#unbound
      : new Map([...this.#unbound, [`${left} more`, 'too many to list']])
  }

  /** Records that something is not bound. */
  note(what: string, why: string): void {
    if (this.#unbound.size < mostUnbound || this.#unbound.has(what)) this.#unbound.set(what, why)
    else this.#left += 1
  }

  /** Binds the file at a path, if it exists. */
  async bind(path: string): Promise<Found> {
    const found = await this.#lookAt(path)
    if (found.kind !== 'file' || this.#files.has(path)) return found
    if (this.#files.size < mostFiles) this.#files.set(path, found.held)
    else this.note('files', `more than ${mostFiles}; the others are not bound`)
    return found
  }

  /** Binds the current matches of a shell pattern. */
  async bindPattern(pattern: string, cwd: string): Promise<Found[]> {
    const { paths, isAll } = await expandPattern(pattern, cwd, mostMatches, this.#names)
    if (!isAll) this.note(`files that match ${pattern}`, `more than the first ${mostMatches}`)
    const found: Found[] = []
    for (const path of paths) found.push(await this.bind(path))
    return found
  }

  /** Binds the files of a directory; records its subdirectories as unbound. */
  async bindDirectory(directory: string): Promise<void> {
    for (const each of await this.bindPattern('*', directory)) {
      if (each.kind === 'directory') {
        this.note(`directories in ${directory}`, 'only its direct files are bound')
      }
    }
  }

  /**
   * Binds a file and, one level deep, the files of code and settings that it names.
   *
   * @param endings suffixes to try for a missing file
   */
  async bindAndFollow(path: string, cwd: string, endings: readonly string[] = []): Promise<Found> {
    const found = await this.bind(path)
    if (found.kind !== 'file') {
      for (const ending of endings) await this.bind(path + ending)
    }
    if (found.kind !== 'file' || found.text === null || this.#followed.has(path)) return found
    this.#followed.add(path)
    for (const name of namesIn(wordsThatRun(path, found.text))) {
      if (!/[./]/.test(name)) continue
      for (const base of new Set([cwd, dirname(path)])) {
        await this.#bindIfRun(resolve(base, name), extname(path), endings)
      }
    }
    return found
  }

  /** @param alike the suffix of the naming file: a file of the same kind is included by it */
  async #bindIfRun(path: string, alike: string, endings: readonly string[]): Promise<void> {
    const found = await this.#lookAt(path)
    if (found.kind !== 'file') {
      for (const ending of endings) await this.bind(path + ending)
      return
    }
    const isIncluded = alike !== '' && alike !== '.json' && extname(path) === alike
    if (isIncluded || found.isExecutable || runsByName.test(path)) await this.bind(path)
  }

  async #lookAt(path: string): Promise<Found> {
    const known = this.#seen.get(path)
    if (known !== undefined) return known
    if (this.#seen.size >= mostLooks) {
      this.note('names of files', `more than ${mostLooks}; the others are not checked`)
      return { kind: 'missing' }
    }
    const found = await lookAt(path, this.#place, this.#bytes)
    this.#seen.set(path, found)
    return found
  }
}

/** Of a package manifest only the scripts run: its build output changes with every build. */
function wordsThatRun(path: string, text: string): string {
  if (!path.endsWith('/package.json')) return text
  try {
    const { scripts } = JSON.parse(text) as { scripts?: Record<string, unknown> }
    return Object.values(scripts ?? {}).join('\n')
  } catch {
    return ''
  }
}

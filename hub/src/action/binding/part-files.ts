import { basename, dirname, resolve } from 'node:path'
import type { Part, PartWord } from '@centralpost/shared'
import type { Binder } from './binder.ts'
import type { Found } from './file-content.ts'
import {
  blindToContent,
  bringing,
  directoryOptions,
  type Followed,
  followedBy,
  selfContained,
} from './followed-files.ts'
import { gitFilesAt } from './git-files.ts'
import { namesIn } from './names-in-words.ts'

const mostAbove = 24
const mostStarted = 64
const mostDirectories = 16
const addressed = /^(?!fileb?:)[a-z][a-z\d+.-]*:\/\//i

/** A script run by path is also searched for further names. */
const firstFollowed = { endings: [] }

/**
 * Binds everything that one part of a command runs, reads and obeys.
 *
 * @param places the possible working directories
 */
export async function bindPart(
  part: Part,
  places: readonly string[],
  binder: Binder,
): Promise<void> {
  const { program, words, roles, cwd, isAppended } = part
  noteUnknown(part, binder)
  if (isAppended) binder.note(`words that ${program} receives at run time`, 'unknown until then')
  if (blindToContent.has(program)) return
  const follows = followsOf(part)
  if (program !== '' && follows.length === 0 && !isKnown(part))
    binder.note(`code or settings that ${program} loads`, 'unknown here')
  const first = words[0]
  // a program given by path may be a script
  const named = first?.value.includes('/') ? words : words.slice(1)
  const directories = new Set<string>(cwd === undefined ? [] : [cwd])
  for (const [at, word] of named.entries()) {
    const isPlace = directoryOptions.has(named[at - 1]?.value ?? '')
    for (const place of places) {
      const found = await bindWord(word, place, word === first ? [firstFollowed] : follows, binder)
      for (const { path, kind } of found) {
        if (directories.size < mostDirectories)
          directories.add(kind === 'directory' ? path : dirname(path))
        const isItself = path === resolve(place, word.value)
        if (!isItself || isPlace) continue
        // a reading form only reads its files
        const isRead = roles.length > 0 && follows.length === 0
        if (kind === 'directory' && isRead) continue
        if (kind === 'directory') await bindNamedDirectory(path, word, follows, binder)
        else if (kind === 'unreadable') binder.note(word.value, 'unreadable')
        else if (kind === 'special' && !isQuiet(path)) binder.note(word.value, 'not a regular file')
      }
    }
    if (word.exact && addressed.test(word.value)) binder.note(word.value, 'its content can change')
  }
  for (const { operator, target } of part.redirects) {
    if (operator.startsWith('<')) {
      for (const place of places) await bindWord(target, place, [firstFollowed], binder)
    }
  }
  for (const directory of directories) {
    for (const each of follows) await bindFollowed(each, directory, binder)
    if (follows.some(({ files }) => files.includes('package.json'))) {
      for (const { value } of words.slice(1, mostStarted)) {
        await binder.bind(resolve(directory, 'node_modules/.bin', basename(value)))
      }
    }
    if (program === 'git') {
      if (words.some(({ value }) => bringing.has(value))) {
        binder.note('content fetched by git', 'known only at run time')
      }
      const values = words.map(({ value }) => value)
      const read = async (path: string) => textOf(await binder.bind(path))
      for (const path of await gitFilesAt(directory, values, read))
        await binder.bindAndFollow(path, directory)
    }
  }
  for (const { loads } of follows)
    if (loads !== '') binder.note(`code that ${program} loads`, loads)
}

/** Whether the words of a part tell everything that its program does with files. */
function isKnown({ program, roles, isWrapper }: Part): boolean {
  return isWrapper || roles.length > 0 || selfContained.has(program)
}

/** Whether a word's value is known only at run time; matches of a pattern are known now. */
function isOpen({ exact, glob }: PartWord): boolean {
  return !exact && !glob
}

function noteUnknown({ program, words, cwd, redirects }: Part, binder: Binder): void {
  if (words.length === 0 && redirects.length === 0) return
  if (program === '' && words.length > 0) {
    binder.note('a program', 'its name is known only at run time')
  }
  const name = program || 'the command'
  if (cwd === undefined) binder.note(`files of ${name}`, 'its directory is known only at run time')
  if (words.some(isOpen) || redirects.some(({ target }) => isOpen(target))) {
    binder.note(`words of ${name}`, 'some are known only at run time')
  }
}

/** The programs of a part: its own, and those started by name (`npx jest`, `python -m pytest`). */
function followsOf({ program, words }: Part): Followed[] {
  const own = followedBy(program)
  if (own === undefined) return []
  const started = words.slice(1, mostStarted).map(({ value }) => followedBy(basename(value)))
  return [...new Set([own, ...started])].filter((followed) => followed !== undefined)
}

interface FoundAt {
  readonly path: string
  readonly kind: Found['kind']
}

/** Binds the files that a word may name in a directory. */
async function bindWord(
  word: PartWord,
  place: string,
  follows: readonly Pick<Followed, 'endings'>[],
  binder: Binder,
): Promise<FoundAt[]> {
  if (word.glob) {
    const matched = await binder.bindPattern(word.value, place)
    return matched
      .filter(({ kind }) => kind === 'unreadable')
      .map(({ kind }) => ({ kind, path: '' }))
  }
  const found: FoundAt[] = []
  for (const name of namesIn(word.value)) {
    const path = resolve(place, name)
    const endings = follows.flatMap((followed) => followed.endings)
    const isRun = follows.length > 0
    const { kind } = isRun
      ? await binder.bindAndFollow(path, place, endings)
      : await binder.bind(path)
    // `python -m package.module`
    if (kind === 'missing' && endings.includes('.py') && name.includes('.')) {
      await binder.bind(resolve(place, `${name.replaceAll('.', '/')}.py`))
    }
    if (kind !== 'missing') found.push({ path, kind })
  }
  return found
}

async function bindNamedDirectory(
  path: string,
  word: PartWord,
  follows: readonly Followed[],
  binder: Binder,
): Promise<void> {
  if (follows.some(({ runsDirectories }) => runsDirectories)) await binder.bindDirectory(path)
  else binder.note(`the directory ${word.value}`, 'its files are not bound')
}

async function bindFollowed(
  { files, above }: Followed,
  directory: string,
  binder: Binder,
): Promise<void> {
  for (const file of files) {
    if (file.includes('*')) await binder.bindPattern(file, directory)
    else await binder.bindAndFollow(resolve(directory, file), directory)
  }
  if (!above) return
  let place = directory
  for (let level = 0; level < mostAbove && dirname(place) !== place; level += 1) {
    place = dirname(place)
    for (const file of files) if (!file.includes('*')) await binder.bind(resolve(place, file))
  }
}

function textOf(found: Found): string | null {
  return found.kind === 'file' ? found.text : null
}

/** Words without meaning of their own for any reader. */
function isQuiet(path: string): boolean {
  return /^\/dev\/(null|zero|full|u?random|tty|std(in|out|err)|fd\/\d+)$/.test(path)
}

/** The listing of a program: files below a directory, processes, containers. */
export interface Listing {
  readonly of: 'files' | 'processes' | 'objects'
  /** where the files lie: absolute, or as it was written; empty for what is no file */
  readonly root: string
  /** whether nothing narrows it: neither a name, an age nor an owner */
  readonly isWhole: boolean
  /** names to which it is narrowed */
  readonly names: readonly string[]
}

/**
 * The known facts of a text that passes from one command to another: through a pipe, a variable, a
 * substitution.
 */
export interface Value {
  /** the text itself, if it never varies */
  readonly text: string | undefined
  readonly lists: readonly Listing[]
  /** files and directories with credentials in it */
  readonly secrets: readonly string[]
  /** a program that fetched it from the network */
  readonly fetchedBy: string | undefined
  /** a program that decoded it from an unknown text */
  readonly decodedBy: string | undefined
  /** the word is the name of a file, and this is what is in it: a process substitution */
  readonly isContent: boolean
}

/** A text of which nothing is known. */
export const unknown: Value = {
  text: undefined,
  lists: [],
  secrets: [],
  fetchedBy: undefined,
  decodedBy: undefined,
  isContent: false,
}

/** Characters of a text that is followed; a longer one is not known any more. */
const longestText = 16_384

/** A text that is known. */
export function known(text: string): Value {
  return { ...unknown, text: text.length > longestText ? undefined : text }
}

/** A text that is not known, but where it comes from. */
export function hidden(from: Value): Value {
  return from.text === undefined && from.lists.length === 0
    ? from
    : { ...from, text: undefined, lists: [] }
}

/** Texts one after the other: what is known of each is known of the whole. */
export function joined(values: readonly Value[]): Value {
  const [first] = values
  if (!first) return known('')
  if (values.length === 1) return first
  let text: string | undefined = ''
  for (const value of values) text = value.text === undefined ? undefined : text + value.text
  return {
    text: text === undefined || text.length > longestText ? undefined : text,
    lists: values.flatMap(({ lists }) => lists).slice(0, 16),
    secrets: [...new Set(values.flatMap(({ secrets }) => secrets))].slice(0, 8),
    fetchedBy: values.find(({ fetchedBy }) => fetchedBy !== undefined)?.fetchedBy,
    decodedBy: values.find(({ decodedBy }) => decodedBy !== undefined)?.decodedBy,
    isContent: false,
  }
}

/**
 * Pieces of one word. Code that was fetched runs only where it begins a command: `tar xf pkg-$VERSION` is no fetched
 * code, whatever the version came from.
 */
export function concatenated(pieces: readonly Value[]): Value {
  if (
    pieces.every(({ fetchedBy, decodedBy }) => fetchedBy === undefined && decodedBy === undefined)
  )
    return joined(pieces)
  let before = ''
  const values = pieces.map((piece) => {
    const begins = /(?:^|[;&|({\n])\s*$/.test(before)
    before += piece.text ?? '\u0001'
    return begins ? piece : { ...piece, fetchedBy: undefined, decodedBy: undefined }
  })
  return joined(values)
}

import type { CommandNode, Compound, CompoundKind, Piece, Redirect, Word } from './command-tree.ts'

const noRedirects: readonly Redirect[] = []

/** A piece that can be executed but not predicted. */
export function opaque(reason: string, text: string): Piece {
  return { kind: 'opaque', reason, text }
}

/** A compound without redirections. */
export function compound(
  kind: CompoundKind,
  shape: readonly (string | Word | CommandNode)[],
  reproducible: boolean,
): Compound {
  return { kind, shape, redirects: noRedirects, reproducible }
}

/** Commands with the separator's text between them. */
export function join(nodes: readonly CommandNode[], separator: string): (string | CommandNode)[] {
  return nodes.flatMap((node, index) => (index === 0 ? [node] : [separator, node]))
}

/** The word that pieces make; without `pieces` where all of them are text. */
export function fromPieces(pieces: readonly Piece[]): Word {
  let value = ''
  let isText = true
  const merged: Piece[] = []
  for (const piece of pieces) {
    if (piece.kind === 'text') {
      value += piece.value
      const last = merged.at(-1)
      if (last?.kind === 'text')
        merged[merged.length - 1] = { kind: 'text', value: last.value + piece.value }
      else merged.push(piece)
      continue
    }
    isText = false
    merged.push(piece)
    if ('text' in piece) value += piece.text
  }
  return isText ? { value } : { value, pieces: merged }
}

/** Words written without a blank between them. */
export function concat(words: readonly Word[]): Word {
  return fromPieces(
    words.flatMap((word): readonly Piece[] => word.pieces ?? [{ kind: 'text', value: word.value }]),
  )
}

/**
 * Characters that could move a cursor, recolour, reorder or hide text: controls, format characters
 * (bidi, zero-width), line separators, lone surrogates, private use, unusual blanks, and everything
 * that fonts draw as nothing.
 */
export const unseenCharacter =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu
/** Letters of another script inside a word of Latin ones, and wide forms of Latin ones: they pass for what they are not. */
export const lookAlike =
  /(?<=[A-Za-z])[\p{Script=Cyrillic}\u0391\u0392\u0395-\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03b1\u03b3\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5\u03c7\p{Script=Armenian}\p{Script=Cherokee}]|[\p{Script=Cyrillic}\u0391\u0392\u0395-\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03b1\u03b3\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5\u03c7\p{Script=Armenian}\p{Script=Cherokee}](?=[A-Za-z])|[\uff01-\uff5e]/gu
/** This many spaces in a row push the rest out of sight. */
const padding = / {8,}/g
const linesKept = /[\n\t]/

/**
 * Makes text of an agent or a command safe for a terminal: invisible characters are spelled out.
 *
 * @param text any text
 * @param options.lines whether to keep line feeds and tabs
 */
export function visible(text: string, options: { readonly lines?: boolean } = {}): string {
  return text.replace(unseenCharacter, (character) =>
    options.lines && linesKept.test(character) ? character : spelled(character),
  )
}

/**
 * Makes a command safe for an approver: invisible characters are spelled out, and padding is
 * collapsed with a mark, so that nothing hides behind it. Nothing is left out.
 */
export function visibleCommand(command: string): string {
  return visible(command).replace(padding, (spaces) => ` ⟨${spaces.length} spaces⟩ `)
}

/** A value as one line of JSON, safe on a terminal, that parses back to the same value. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replace(unseenCharacter, (character) =>
    Array.from({ length: character.length }, (_, at) => unit(character.charCodeAt(at))).join(''),
  )
}

/** A character by its number, as JavaScript and Rust write it. */
export function spelled(character: string): string {
  if (character === '\n') return String.raw`\n`
  if (character === '\r') return String.raw`\r`
  if (character === '\t') return String.raw`\t`
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  return code < 0x100 ? String.raw`\x${hex.padStart(2, '0')}` : String.raw`\u{${hex}}`
}

const unit = (code: number): string => String.raw`\u${code.toString(16).padStart(4, '0')}`

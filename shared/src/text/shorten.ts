/**
 * The beginning of a text; `…` marks a cut.
 *
 * @param most characters, not counting the mark
 */
export function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}

/** The same, with the number of omitted characters. */
export function shortenCounted(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text.slice(0, most)} … (${text.length - most} more characters)`
}

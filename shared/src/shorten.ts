/**
 * The beginning of a text; `…` says that something is left out.
 *
 * @param most characters, the mark not among them
 */
export function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}

/** The same, with a mark that says how many characters are left out. */
export function shortenCounted(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text.slice(0, most)} … (${text.length - most} more characters)`
}

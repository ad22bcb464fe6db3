/** Limit of words examined within a text. */
export const mostNames = 512

const separators = /[\s'"`;&|()<>${}[\]=:,@\\]+/
const longestPath = 4096

/**
 * Possible file names within a word: itself, an option's value, list items, and words of a text.
 *
 * @returns each once, most likely first
 */
export function namesIn(value: string): ReadonlySet<string> {
  const names = new Set<string>()
  const add = (name: string): void => {
    if (name !== '' && name.length < longestPath && !name.includes('\0')) names.add(name)
  }
  add(value)
  add(/^fileb?:\/\/(.+)$/s.exec(value)?.[1] ?? '')
  for (let at = value.search(/[=:,@]/); at !== -1 && names.size < 64;) {
    add(value.slice(at + 1))
    const next = value.slice(at + 1).search(/[=:,@]/)
    at = next === -1 ? -1 : at + 1 + next
  }
  // `-fname`, also after letters without a value: `-rfname`
  if (/^-[^-]/.test(value)) for (let at = 2; at < 8; at += 1) add(value.slice(at))
  for (const name of value.split(separators, mostNames)) {
    add(name)
    // `${X:-name}`
    if (name.startsWith('-')) add(name.replace(/^-+/, ''))
  }
  return names
}

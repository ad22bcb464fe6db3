/** Words of a text that are looked at, at most. */
export const mostNames = 512

const separators = /[\s'"`;&|()<>${}[\]=:,@\\]+/
const longestPath = 4096

/**
 * The names of files that a word may hold: itself, an option's value, parts of a list, and the words of a text.
 *
 * @returns each once, the likeliest first
 */
export function namesIn(value: string): ReadonlySet<string> {
  const names = new Set<string>()
  const add = (name: string): void => {
    if (name !== '' && name.length < longestPath && !name.includes('\0')) names.add(name)
  }
  add(value)
  for (let at = value.search(/[=:,@]/); at !== -1 && names.size < 64;) {
    add(value.slice(at + 1))
    const next = value.slice(at + 1).search(/[=:,@]/)
    at = next === -1 ? -1 : at + 1 + next
  }
  // `-fname`, also after letters that take no value: `-rfname`
  if (/^-[^-]/.test(value)) for (let at = 2; at < 8; at += 1) add(value.slice(at))
  for (const name of value.split(separators, mostNames)) {
    add(name)
    // `${X:-name}`
    if (name.startsWith('-')) add(name.replace(/^-+/, ''))
  }
  return names
}

import { type BigIntStats, type Stats, statSync } from 'node:fs'

const held = new Map<string, string>()

/**
 * Marks a file that this process must not open a second time: closing any descriptor of a file
 * drops all the process's locks on it.
 *
 * @param path an existing file
 */
export function holdFile(path: string): void {
  held.set(idOf(statSync(path)), path)
}

/** Whether a file was marked, under any name: a link to it is the same file. */
export function isHeldFile(stat: Stats | BigIntStats): boolean {
  return held.has(idOf(stat))
}

/** Like `isHeldFile`; false for a missing file. */
export function isHeldPath(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && isHeldFile(stat)
}

function idOf({ dev, ino }: Stats | BigIntStats): string {
  return `${dev}:${ino}`
}

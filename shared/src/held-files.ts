import { type BigIntStats, type Stats, statSync } from 'node:fs'

const held = new Map<string, string>()

/**
 * Names a file that this process must not open beside the one who works on it: the kernel drops every lock that a
 * process has on a file when the process closes any descriptor of it.
 *
 * @param path a file that is there
 */
export function holdFile(path: string): void {
  held.set(idOf(statSync(path)), path)
}

/** Whether a file is one of those that were named, under whatever name it was found: a link to it is the same file. */
export function isHeldFile(stat: Stats | BigIntStats): boolean {
  return held.has(idOf(stat))
}

/** As `isHeldFile`; false for what is not there. */
export function isHeldPath(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && isHeldFile(stat)
}

function idOf({ dev, ino }: Stats | BigIntStats): string {
  return `${dev}:${ino}`
}

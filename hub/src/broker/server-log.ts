import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readIfPresent } from '@centralpost/shared/private-files'

const keptOldLogs = 2

/**
 * The last fatal message or error in the server's log.
 *
 * @param sinceMs ignores older lines, in milliseconds since 1970
 */
export async function lastFault(log: string, sinceMs: number): Promise<string | undefined> {
  const lines = ((await readIfPresent(log)) ?? '').split('\n')
  const fault = lines
    .map((line) => /^\[\d+\] (\S+ [\d:.]+) \[(?:FTL|ERR)\] (.*)$/.exec(line))
    .findLast((found) => found !== null)
  // The server logs local time in microseconds; a second of slack covers rounding.
  const isRecent = fault?.[1] !== undefined && Date.parse(fault[1]) >= sinceMs - 1000
  return isRecent ? fault?.[2] : undefined
}

/** Deletes all but the newest rotated logs; the server itself keeps every one. */
export async function removeOldLogs(log: string): Promise<void> {
  const folder = dirname(log)
  const names = await readdir(folder)
  const old = names.filter((name) => name.startsWith(`${basename(log)}.`)).toSorted()
  for (const name of old.slice(0, -keptOldLogs)) await rm(join(folder, name), { force: true })
}

import { readFileSync, statSync } from 'node:fs'

/** The locks that the kernel knows of a file, as `READ 1073741826 1073742335`, sorted. Empty: it is not locked. */
export function locksOf(path: string): string[] {
  const ino = statSync(path, { throwIfNoEntry: false })?.ino
  if (ino === undefined) return []
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, kind, , access, , file, from, to] = line.trim().split(/\s+/)
      return kind === 'POSIX' && file?.endsWith(`:${ino}`) ? [`${access} ${from} ${to}`] : []
    })
    .toSorted()
}

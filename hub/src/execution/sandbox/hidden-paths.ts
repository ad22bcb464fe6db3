import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { homeSecretNames, homeSecrets, systemSecrets } from './credential-names.ts'
import type { Sandbox } from './sandbox.ts'
import { isWithin } from '@centralpost/shared/light'

/**
 * Directories of server sockets: replaced as a whole. `/var/run` is a symlink to `/run`, or is
 * listed separately.
 */
export const socketPlaces: readonly string[] = ['/run', '/var/run']

/**
 * Parts of `/run` that are no sockets and needed there: logins, the resolver's file, NixOS
 * programs, disk names, service logs.
 */
export const keptOfRun: readonly string[] = [
  '/run/utmp',
  '/run/systemd/resolve/stub-resolv.conf',
  '/run/systemd/resolve/resolv.conf',
  '/run/current-system',
  '/run/udev/data',
  '/run/log/journal',
]

/** One masked place, by its real path: a symlink to it does not bypass the mask. */
export interface HiddenPlace {
  readonly path: string
  readonly isDirectory: boolean
}

/** The current places to mask. Determined for every command: credentials come and go. */
export function hiddenPlaces(sandbox: Sandbox): HiddenPlace[] {
  const found = new Map(credentialPlaces(sandbox).map((place) => [place.path, place]))
  // hidden even inside a workspace
  for (const place of sandbox.hidden.map(look)) if (place !== null) found.set(place.path, place)
  return [...found.values()].filter(
    ({ path }) => ![...found.keys()].some((other) => other !== path && isWithin(path, other)),
  )
}

/**
 * The existing credentials of the homes and of the machine. A directory that contains a workspace
 * stays usable.
 */
export function credentialPlaces({ homes, roots }: Sandbox): HiddenPlace[] {
  const ofMachine = process.getuid?.() === 0 ? [...systemSecrets, ...hostKeys()] : []
  return [...ofMachine, ...homes.flatMap(secretsOf)]
    .map(look)
    .filter((place) => place !== null)
    .filter(({ path }) => !roots.some((root) => isWithin(root, path)))
}

/** Names by their first component, few of which exist in most homes. */
const byFirstStep = Map.groupBy(
  homeSecrets.map((name) => name.split('/')),
  ([first = '']) => first,
)

/** One directory listing saves a lookup of each name in it. */
function secretsOf(home: string): string[] {
  const listed = new Map<string, ReadonlySet<string>>()
  const isIn = (directory: string, name: string): boolean => {
    const names = listed.get(directory) ?? namesIn(directory)
    listed.set(directory, names)
    return names.has(name)
  }
  return [...namesIn(home)].flatMap((first) => {
    const own = homeSecretNames.test(first) ? [join(home, first)] : []
    const named = (byFirstStep.get(first) ?? []).flatMap((steps) => {
      let at = home
      for (const step of steps) {
        if (at !== home && !isIn(at, step)) return []
        at = `${at}/${step}`
      }
      return [at]
    })
    return [...own, ...named]
  })
}

function namesIn(directory: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(directory))
  } catch {
    // missing, or closed to this user and so to the command
    return new Set()
  }
}

function hostKeys(): string[] {
  return [
    ...matching('/etc/ssh', /^ssh_host_.*_key$/),
    // including backups made by editors and tools
    ...matching('/etc', /^g?shadow./),
  ]
}

function matching(directory: string, names: RegExp): string[] {
  return [...namesIn(directory)]
    .filter((name) => names.test(name))
    .map((name) => join(directory, name))
}

function look(path: string): HiddenPlace | null {
  try {
    const link = lstatSync(path, { throwIfNoEntry: false })
    if (link === undefined) return null
    const real = link.isSymbolicLink() ? realpathSync.native(path) : path
    const isDirectory = link.isSymbolicLink() ? statSync(real).isDirectory() : link.isDirectory()
    return { path: realpathSync.native(real), isDirectory }
  } catch {
    // a dangling symlink, or below an inaccessible directory; inaccessible for the command too
    return null
  }
}

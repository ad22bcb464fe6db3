import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { homeSecretNames, homeSecrets, systemSecrets } from './credential-names.ts'
import type { Sandbox } from './sandbox.ts'
import { isWithin } from '@centralpost/shared/light'

/** Where servers put their sockets: replaced as a whole. `/var/run` is a link to `/run`, or is listed by itself. */
export const socketPlaces: readonly string[] = ['/run', '/var/run']

/**
 * What of `/run` is no socket and is looked for there: who is logged in, the resolver's file, the programs
 * of NixOS, what disks are called, what services logged.
 */
export const keptOfRun: readonly string[] = [
  '/run/utmp',
  '/run/systemd/resolve/stub-resolv.conf',
  '/run/systemd/resolve/resolv.conf',
  '/run/current-system',
  '/run/udev/data',
  '/run/log/journal',
]

/** One place to mask, by its real path: a link to it does not lead past the mask. */
export interface HiddenPlace {
  readonly path: string
  readonly isDirectory: boolean
}

/** What there is to mask now. It is looked up for every command: credentials come and go. */
export function hiddenPlaces(sandbox: Sandbox): HiddenPlace[] {
  const found = new Map(credentialPlaces(sandbox).map((place) => [place.path, place]))
  // hidden also where a workspace lies in it
  for (const place of sandbox.hidden.map(look)) if (place !== null) found.set(place.path, place)
  return [...found.values()].filter(
    ({ path }) => ![...found.keys()].some((other) => other !== path && isWithin(path, other)),
  )
}

/** The credentials that are there now, of the homes and of the machine. One that a workspace lies in stays usable. */
export function credentialPlaces({ homes, roots }: Sandbox): HiddenPlace[] {
  const ofMachine = process.getuid?.() === 0 ? [...systemSecrets, ...hostKeys()] : []
  return [...ofMachine, ...homes.flatMap(secretsOf)]
    .map(look)
    .filter((place) => place !== null)
    .filter(({ path }) => !roots.some((root) => isWithin(root, path)))
}

/** Names by the first step to them, which most homes have few of. */
const byFirstStep = Map.groupBy(
  homeSecrets.map((name) => name.split('/')),
  ([first = '']) => first,
)

/** One look at a directory spares one at each name in it. */
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
    // none, or closed to this user and so to the command
    return new Set()
  }
}

function hostKeys(): string[] {
  return [
    ...matching('/etc/ssh', /^ssh_host_.*_key$/),
    // with what editors and tools keep of them
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
    // a link to nowhere, or below what this user may not enter; the command may not either
    return null
  }
}

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { LimitGroup, ResourceLimits } from './limits.ts'

type Counted = 'memory' | 'processes'

const counted: readonly Counted[] = ['processes', 'memory']
const controllers = { memory: 'memory', processes: 'pids' } as const
/** The file with the limit, by version of control groups. */
const limitFiles = {
  1: { memory: 'memory.limit_in_bytes', processes: 'pids.max' },
  2: { memory: 'memory.max', processes: 'pids.max' },
} as const

interface Place {
  readonly directory: string
  readonly version: 1 | 2
  readonly counts: readonly Counted[]
}

/** A cgroup directory in which groups for commands can be made, with its supported limits. */
export interface ControlGroups {
  readonly places: readonly Place[]
  readonly holds: LimitGroup['holds']
  /** why limits are unsupported there; empty if none is */
  readonly missing: string
}

/** One group; call `remove` when its processes have ended. */
export interface OpenGroup extends LimitGroup {
  remove(): Promise<void>
}

/**
 * Finds a place for groups, by really making one and removing it.
 *
 * @param name the parent directory of all groups, unique among the hubs of this machine
 * @param limits the required limits: no other controllers are touched
 */
export function findControlGroups(name: string, limits: ResourceLimits): ControlGroups {
  const wanted = counted.filter((kind) => limitOf(limits, kind) !== undefined)
  const places: Place[] = []
  let problem = 'no control group is writable here'
  for (const kind of wanted) {
    for (const { base, version } of candidates(kind)) {
      const directory = join(base, name)
      try {
        prepare({ base, directory, version }, kind, String(limitOf(limits, kind)))
        const same = places.findIndex((place) => place.directory === directory)
        const counts = [...(places[same]?.counts ?? []), kind]
        places.splice(same === -1 ? places.length : same, 1, { directory, version, counts })
        break
      } catch (error) {
        problem =
          'no control group is writable here ' +
          `(${(error as NodeJS.ErrnoException).code ?? 'unknown'} at ${base})`
      }
    }
  }
  const holds = places.flatMap((place) => place.counts)
  return { places, holds, missing: wanted.every((kind) => holds.includes(kind)) ? '' : problem }
}

/**
 * Makes the group of one command.
 *
 * @throws when the kernel refuses: the command must then not start without its limits
 */
export function openGroup(
  groups: ControlGroups,
  runId: string,
  limits: ResourceLimits,
): OpenGroup | null {
  if (groups.places.length === 0) return null
  const directories = groups.places.map(({ directory, version, counts }) => {
    const own = join(directory, runId)
    mkdirSync(own)
    for (const kind of counts) {
      writeFileSync(join(own, limitFiles[version][kind]), String(limitOf(limits, kind)))
    }
    return own
  })
  return {
    entries: directories.map((directory) => join(directory, 'cgroup.procs')),
    holds: groups.holds,
    remove: async () => {
      for (const directory of directories) await removeEmpty(directory)
    },
  }
}

/** Removes the groups of an earlier hub, if they are empty. */
export async function closeControlGroups(groups: ControlGroups): Promise<void> {
  for (const { directory } of groups.places) {
    for (const name of subdirectories(directory)) await removeEmpty(join(directory, name))
    await removeEmpty(directory)
  }
}

/** A group's last process counts for a moment after its end. */
async function removeEmpty(directory: string): Promise<void> {
  for (let waitMs = 1; waitMs < 500; waitMs *= 2) {
    try {
      return rmdirSync(directory)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return
      await delay(waitMs)
    }
  }
}

/** Makes the directory, and in it a group with the actual limits; on a failure nothing is left. */
function prepare(
  { base, directory, version }: Pick<Place, 'directory' | 'version'> & { readonly base: string },
  kind: Counted,
  limit: string,
): void {
  const isNew = mkdirSync(directory, { recursive: true }) !== undefined
  const probe = join(directory, `probe-${process.pid}`)
  try {
    if (version === 2) for (const parent of [base, directory]) delegate(parent, kind)
    mkdirSync(probe)
    writeFileSync(join(probe, limitFiles[version][kind]), limit)
  } catch (error) {
    removeNow(probe)
    if (isNew) removeNow(directory)
    throw error
  }
  removeNow(probe)
}

/** Enables this controller for child groups. */
function delegate(parent: string, kind: Counted): void {
  const file = join(parent, 'cgroup.subtree_control')
  if (readFileSync(file, 'utf8').split(/\s+/).includes(controllers[kind])) return
  writeFileSync(file, `+${controllers[kind]}`)
}

function removeNow(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // it was never made, or is in use
  }
}

/**
 * The parent of new groups: beside the hub's own group in version 2 (which may not be split), below
 * it in version 1.
 */
function candidates(kind: Counted): { base: string; version: 1 | 2 }[] {
  const controller = controllers[kind]
  const own = new Map(
    readLines('/proc/self/cgroup').map((line) => {
      const [, names = '', path = '/'] = line.split(':')
      return [names, path] as const
    }),
  )
  const found: { base: string; version: 1 | 2 }[] = []
  for (const line of readLines('/proc/self/mounts')) {
    const [, at = '', type, options = ''] = line.split(' ')
    if (type === 'cgroup' && options.split(',').includes(controller)) {
      const path = [...own].find(([names]) => names.split(',').includes(controller))?.[1] ?? '/'
      found.push({ base: join(at, path), version: 1 })
    }
    if (type === 'cgroup2') {
      const path = own.get('') ?? '/'
      found.push({ base: join(at, path), version: 2 })
      if (path !== '/') found.push({ base: join(at, path, '..'), version: 2 })
    }
  }
  return found
}

function limitOf(limits: ResourceLimits, kind: Counted): number | undefined {
  return kind === 'memory' ? limits.memoryBytes : limits.processes
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean)
  } catch {
    // not Linux
    return []
  }
}

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch {
    // gone meanwhile
    return []
  }
}

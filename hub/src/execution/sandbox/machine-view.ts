import { existsSync, lstatSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { MachineView } from './profiles.ts'

/** What a program may need of `/dev` besides the names of what is there. */
const harmlessDevices = ['null', 'zero', 'full', 'random', 'urandom']

/** In the `/proc` of a command that asks for mounts: no process is there, and these are the machine's. */
const tablesOfMounts = ['filesystems', 'partitions', 'swaps', 'diskstats', 'devices', 'version']

/**
 * bubblewrap's arguments for `/proc`, as much of the machine's as a view needs.
 *
 * @param view null: only the command's own
 */
export function procArguments(view: MachineView | null): string[] {
  if (view === 'processes' || view === 'network') return ['--ro-bind', '/proc', '/proc']
  if (view === 'mounts') {
    // of the process that builds this, which lives among the machine's own mounts
    const own = `/proc/${process.pid}`
    return [
      '--tmpfs',
      '/proc',
      '--dir',
      '/proc/self',
      ...bound(`${own}/mountinfo`, '/proc/self/mountinfo'),
      ...bound(`${own}/mounts`, '/proc/self/mounts'),
      '--symlink',
      'self/mounts',
      '/proc/mounts',
      ...tablesOfMounts.flatMap((name) => bound(`/proc/${name}`, `/proc/${name}`)),
      '--remount-ro',
      '/proc',
    ]
  }
  // bubblewrap leaves /proc/sys writable to root: by core_pattern alone that is the whole machine
  return ['--proc', '/proc', '--remount-ro', '/proc']
}

/**
 * The same for `/dev`. A view of files or mounts has the machine's names there, but none of its devices can be opened, and
 * the memory that processes share by files is another one, as large.
 */
export function deviceArguments(view: MachineView | null): string[] {
  if (view !== 'files' && view !== 'mounts') return ['--dev', '/dev']
  const devices = harmlessDevices.map((name) => `/dev/${name}`)
  return [
    '--ro-bind',
    '/dev',
    '/dev',
    ...devices.flatMap((path) => ['--dev-bind', path, path]),
    ...['/dev/mqueue', '/dev/hugepages']
      .filter((path) => existsSync(path))
      .flatMap((path) => ['--tmpfs', path, '--remount-ro', path]),
  ]
}

/** The bytes of the file system that a directory begins, so that what replaces it is as large; null where it begins none. */
export function sizeOf(directory: string): number | null {
  try {
    if (statSync(directory).dev === statSync(dirname(directory)).dev) return null
    const { bsize, blocks } = statfsSync(directory)
    return bsize * blocks
  } catch {
    // not there
    return null
  }
}

/** One that is younger may be gone before it is masked, and then nothing would start. */
const lastingMs = 30_000

/** Named pipes in a directory and right below it. A mount that is read-only does not keep anybody from writing to them. */
export function pipesIn(directory: string, depth = 1): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name)
      if (entry.isFIFO()) return Date.now() - lstatSync(path).ctimeMs < lastingMs ? [] : [path]
      return entry.isDirectory() && depth > 0 ? pipesIn(path, depth - 1) : []
    })
  } catch {
    // not to be read by us, and no more by the command
    return []
  }
}

function bound(from: string, to: string): string[] {
  return ['--ro-bind-try', from, to]
}

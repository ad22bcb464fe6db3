import { randomInt } from 'node:crypto'
import { realpathSync, statSync } from 'node:fs'
import { isItself } from './bwrap-arguments.ts'
import type { Sandbox } from './sandbox.ts'
import { isWithin } from '@centralpost/shared/light'

/** Users that no system hands out (systemd's list of ranges): a command that is one of them is alone with itself. */
const [firstUser, lastUser] = [0x7000_0000, 0x7fff_0000]

/** Makes mounts that hold only for what follows, and becomes that. If one of them fails nothing is started. */
const script = `set -e
mount=$1; count=$2; shift 2
while [ "$count" -gt 0 ]; do "$mount" -o rbind,noexec "$1" "$1"; shift; count=$((count - 1)); done
if [ -n "$1" ]; then "$mount" --bind "$1" "$1"; "$mount" -o remount,bind,exec "$1"; fi; shift
exec "$@"`

/**
 * Puts in front of bubblewrap what keeps every file of the workspaces, and of the directories for temporary files, from being
 * executed: inside, nobody can take that off again.
 *
 * @param command bubblewrap with its arguments
 */
export function withoutCode(sandbox: Sandbox, command: readonly string[]): string[] {
  const helpers = sandbox.machine?.noExec ?? null
  const places = [...new Set([...sandbox.roots, '/tmp', '/var/tmp'])].filter(mayLoseCode)
  if (helpers === null || places.length === 0) return [...command]
  const isOrdinary = process.getuid?.() !== 0 || sandbox.userNamespace
  return [
    helpers.unshare,
    isOrdinary ? '-Urm' : '-m',
    '--',
    '/bin/sh',
    '-c',
    script,
    'sh',
    helpers.mount,
    String(places.length),
    ...places,
    // set-up keeps it below a home, which may be a workspace
    places.some((place) => isWithin(sandbox.bwrap, place)) ? sandbox.bwrap : '',
    ...command,
  ]
}

/**
 * Puts in front of a program what makes it a user of its own. Whatever else runs has another one, so that the kernel
 * lets it neither signal nor trace nor read any process; that files may be read as outside stays.
 */
export function asAnother({ machine }: Sandbox): string[] {
  const user = String(randomInt(firstUser, lastUser))
  return [
    machine?.setpriv ?? '',
    '--reuid',
    user,
    '--regid',
    user,
    '--clear-groups',
    '--inh-caps=-all,+dac_override',
    '--ambient-caps=-all,+dac_override',
    '--bounding-set=-all,+dac_override',
    '--no-new-privs',
    '--',
  ]
}

/** Not a directory that holds the system's own programs, nor one that has gone or become a link. */
function mayLoseCode(place: string): boolean {
  if (['/usr', '/bin', '/lib'].some((path) => isWithin(realOf(path), place))) return false
  return isItself(place) && statSync(place, { throwIfNoEntry: false })?.isDirectory() === true
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // no such directory here
    return path
  }
}

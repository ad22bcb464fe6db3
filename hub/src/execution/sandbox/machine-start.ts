import { randomInt } from 'node:crypto'
import { realpathSync, statSync } from 'node:fs'
import { isItself } from './bwrap-arguments.ts'
import type { Sandbox } from './sandbox.ts'
import { isWithin } from '@centralpost/shared/light'

/**
 * Uids that no system assigns (systemd's list of ranges): a command with one of them shares it with
 * no other process.
 */
const [firstUser, lastUser] = [0x7000_0000, 0x7fff_0000]

/**
 * Makes mounts for the following program only, and becomes it. On any failure nothing is started.
 */
const script = `set -e
mount=$1; count=$2; shift 2
while [ "$count" -gt 0 ]; do "$mount" -o rbind,noexec "$1" "$1"; shift; count=$((count - 1)); done
if [ -n "$1" ]; then "$mount" --bind "$1" "$1"; "$mount" -o remount,bind,exec "$1"; fi; shift
exec "$@"`

/**
 * Prefixes bubblewrap with mounts that make all files of workspaces and temporary directories
 * non-executable: irrevocable inside.
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
 * Prefixes a program with a switch to its own user. All other processes have another one, so that
 * the kernel lets it neither signal nor trace nor read them; access to files stays as outside.
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

/** Neither a directory with the system's own programs, nor one that is gone or a symlink. */
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

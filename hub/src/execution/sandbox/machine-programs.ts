import type { Part } from '@centralpost/shared'
import { pathsOf } from './named-paths.ts'
import type { MachineView } from './profiles.ts'

/**
 * A part's need for the machine: a view of it, or access that no sandbox can give without giving
 * the machine.
 */
export type MachineNeed = MachineView | 'service'

/** A need, with words for it. */
export interface Need {
  readonly of: MachineNeed
  readonly what: string
}

/**
 * Programs that report on the machine, where a sandbox has its own view. The last kinds ask a
 * server (clients may also give orders), open a device, or need a privilege that no confined
 * command has.
 */
const programs: Readonly<Record<string, Need>> = {
  ...each('processes', 'ps pgrep pidof pstree top htop btop atop lsns lslocks w', 'processes'),
  ...each(
    'processes',
    'lsof fuser pmap pwdx',
    "processes, but nothing of others' files and memory",
  ),
  ...each('network', 'ss netstat ip ifconfig route arp sysctl', 'network'),
  ...each('mounts', 'df mount findmnt lsblk mountpoint', 'mounts'),
  ...each('files', 'dmesg lsusb journalctl', 'devices and logs'),
  ...each('service', 'systemctl loginctl timedatectl hostnamectl localectl nmcli', 'services'),
  ...each('service', 'docker docker-compose podman nerdctl crictl', 'containers'),
  ...each('service', 'nvidia-smi', 'devices'),
  ...each('service', 'ipcs lsipc', 'shared memory of processes'),
  ...each('service', 'crontab atq', 'files that only a setuid program reads'),
}

/** Subcommands of the clients above that contact no server. */
const asksNobody = /^(?:--?version|-v|-V|version|--?help|-h|help)$/
const clientOnly: Readonly<Record<string, RegExp>> = {
  docker: /^(?:--version|-v|help|--help|context|completion)$/,
  'docker-compose': /^(?:--version|-v|version|help|--help|config)$/,
}

/**
 * Files with the kernel's information about itself, and the machine's temporary files and devices.
 */
const places: readonly (readonly [RegExp, MachineView, string])[] = [
  [/^\/proc\/(?:(?:self|thread-self)\/)?net(?:\/|$)/, 'network', 'network'],
  [/^(?:\/proc\/(?:self\/)?mount\w*|\/etc\/mtab)$/, 'mounts', 'mounts'],
  [/^\/proc\/self\/(?:cgroup|ns)(?:\/|$)/, 'processes', 'processes'],
  [/^\/proc\/(?:\d|[*?[{]|$)/, 'processes', 'processes'],
  [/^\/proc$/, 'processes', 'processes'],
  [
    /^\/dev$|^\/dev\/(?:sd|hd|nvme|vd|disk|mapper|bus|input|dri|snd|tty|loop|[*?[{])/,
    'files',
    'devices',
  ],
  [/^\/(?:var\/)?tmp(?:\/?$|\/[^/]*[*?[{])/, 'files', 'temporary files'],
]

/** A part's need for the machine; null: none. Decided by its words' roles, never by text. */
export function needOf(part: Part): Need | null {
  const named = Object.hasOwn(programs, part.program) ? programs[part.program] : undefined
  if (named !== undefined) {
    if (named.of !== 'service') return byWords(part, named)
    return isAnswered(part) ? null : named
  }
  if (
    part.program === 'hostname' &&
    part.words.slice(1).some(({ value }) => /^-\w*[iI]/.test(value))
  )
    return { of: 'network', what: 'network' }
  for (const path of pathsOf(part)) {
    const found = places.find(([pattern]) => pattern.test(path))
    if (found !== undefined) return { of: found[1], what: found[2] }
  }
  return ['/tmp', '/var/tmp'].includes(part.cwd ?? '')
    ? { of: 'files', what: 'temporary files' }
    : null
}

/** The one view that shows most of the needs. */
export function widest(needs: readonly Need[]): Need | null {
  const order: readonly MachineNeed[] = ['files', 'mounts', 'processes', 'network', 'service']
  return needs.toSorted((a, b) => order.indexOf(b.of) - order.indexOf(a.of))[0] ?? null
}

/** `lsof -i` is about sockets, not about files. */
function byWords({ program, words }: Part, need: Need): Need {
  const isOfSockets = program === 'lsof' && words.some(({ value }) => /^-\w*i/.test(value))
  return isOfSockets ? { ...need, of: 'network' } : need
}

function isAnswered({ program, words }: Part): boolean {
  const first = words[1]?.value ?? ''
  return (clientOnly[program] ?? asksNobody).test(first)
}

function each(of: MachineNeed, names: string, what: string): Record<string, Need> {
  return Object.fromEntries(names.split(' ').map((name) => [name, { of, what }]))
}

/**
 * Omissions of a program even in a view of the machine: details behind other processes'
 * descriptors.
 */
export function shortcomingOf({ program, words }: Part): string | null {
  const args = words.slice(1).map(({ value }) => value)
  if (/^(?:lsof|fuser|pmap|pwdx)$/.test(program)) {
    return `${program} sees no other process's files, memory or directory in the sandbox: what it does not list may be there`
  }
  if (
    /^(?:ss|netstat)$/.test(program) &&
    args.some((value) => /^(?:-\w*p|--processes$|--program)/.test(value))
  ) {
    return `${program} cannot see in the sandbox which process holds a socket`
  }
  if (
    /^(?:ifconfig|arp)$/.test(program) ||
    (program === 'netstat' && args.some((value) => /^-\w*i/.test(value)))
  ) {
    return `${program} needs a socket, which the sandbox refuses: ip shows the same`
  }
  return null
}

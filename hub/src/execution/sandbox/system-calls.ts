import {
  allow,
  at,
  deny,
  type Denial,
  ifAnyOf,
  ifAtLeast,
  ifEqual,
  type Instruction,
  keep,
  load,
  loadArgument,
  unlessEqual,
} from './bpf.ts'
import { type CallName, processors } from './call-numbers.ts'
import type { CallFilter } from './profiles.ts'

/** The descriptor on which bubblewrap reads the filter. */
export const filterFd = 4

/** The fate of one call. */
type Rule = readonly [CallName, readonly Instruction[]]

const [unix, ipv4, ipv6, netlink] = [1, 2, 10, 16]
const [stream, packets] = [1, 5]
const [route, socketTables] = [0, 4]
/** CLONE_NEW: NS, CGROUP, UTS, IPC, USER, PID, NET */
const newNamespaces = 0x7e02_0000
/**
 * F_SETOWN, F_SETOWN_EX: choose a process to signal; F_SETLEASE: blocks other writers of the file
 */
const reachOthers = [8, 15, 1024]
/** FIOSETOWN, SIOCSPGRP: the same for a socket; TIOCSTI, TIOCLINUX: inject terminal input */
const foreignControls = [0x8901, 0x8902, 0x5412, 0x541c]

/** Shared across namespaces: the user's keyrings, and io_uring, which would bypass the rest. */
const forAll: readonly Rule[] = [
  ...refused('EPERM', 'add_key request_key keyctl'),
  ...refused('ENOSYS', 'io_uring_setup io_uring_enter io_uring_register'),
]

/** Refuses sockets outside all namespaces (such as vsock to a virtual machine's host). */
const anyNetwork: readonly Rule[] = (['socket', 'socketpair'] as const).map((call) => [
  call,
  [
    loadArgument(0),
    ...[unix, ipv4, ipv6, netlink].flatMap((family) => ifEqual(family, [allow])),
    deny('EAFNOSUPPORT'),
  ],
])

/**
 * No socket may reach another process, not even by a file name: only netlink queries to the kernel
 * and connected pairs remain. A pair of datagram sockets could still send to any name, so these are
 * refused too.
 */
const noNetwork: readonly Rule[] = [
  [
    'socket',
    [
      loadArgument(0),
      ...unlessEqual(netlink, [deny('EAFNOSUPPORT')]),
      loadArgument(2),
      ...[route, socketTables].flatMap((table) => ifEqual(table, [allow])),
      deny('EAFNOSUPPORT'),
    ],
  ],
  [
    'socketpair',
    [
      loadArgument(0),
      ...unlessEqual(unix, [deny('EAFNOSUPPORT')]),
      loadArgument(1),
      keep(0xf),
      ...[stream, packets].flatMap((kind) => ifEqual(kind, [allow])),
      deny('EAFNOSUPPORT'),
    ],
  ],
  ...refused('EPERM', 'connect listen accept accept4'),
]

/** Unneeded for reading, and attack surface of the kernel. */
const noNamespaces: readonly Rule[] = [
  ...refused(
    'EPERM',
    `unshare setns mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr
    open_by_handle_at bpf userfaultfd perf_event_open`,
  ),
  ['clone', [loadArgument(0), ...ifAnyOf(newNamespaces, [deny('EPERM')]), allow]],
  // allows reading kernel messages (and their length), not clearing or silencing them
  [
    'syslog',
    [loadArgument(0), ...[3, 10].flatMap((kind) => ifEqual(kind, [allow])), deny('EPERM')],
  ],
  [
    'fcntl',
    [loadArgument(1), ...reachOthers.flatMap((one) => ifEqual(one, [deny('EPERM')])), allow],
  ],
  // its flags are out of a filter's reach; the C library then falls back to the older call
  ...refused('ENOSYS', 'clone3'),
]

/**
 * For profiles with the machine's processes in sight: none may be signalled, traced, slowed down or
 * limited. A program cannot signal itself either (the filter does not know its pid): an abort ends
 * by SIGSEGV, and `timeout` leaves the kill to the hub.
 */
const noOthers: readonly Rule[] = [
  ...refused(
    'EPERM',
    `kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open pidfd_getfd ptrace process_vm_readv
    process_vm_writev kcmp process_madvise process_mrelease migrate_pages move_pages setpriority sched_setparam
    sched_setscheduler sched_setaffinity sched_setattr ioprio_set`,
  ),
  ['prlimit64', [loadArgument(0), ...ifEqual(0, [allow]), deny('EPERM')]],
  [
    'ioctl',
    [loadArgument(1), ...foreignControls.flatMap((one) => ifEqual(one, [deny('EPERM')])), allow],
  ],
]

const rules: Readonly<Record<CallFilter, readonly Rule[]>> = {
  wide: [...forAll, ...anyNetwork],
  quiet: [...forAll, ...noNetwork, ...noNamespaces],
  shared: [...forAll, ...noNetwork, ...noNamespaces, ...noOthers],
}

/**
 * A system call filter in the kernel's format. Calls not listed are allowed.
 *  `wide`, for approved commands, closes gaps of namespaces. `quiet`, for commands without
 * approval, also refuses sockets and namespaces. `shared` is for profiles with the machine's own
 * processes in sight.
 *
 * @param processor as in `process.arch`
 * @returns a classic BPF program; null for an unknown architecture
 */
export function systemCallFilter(
  filter: CallFilter,
  processor: string = process.arch,
): Buffer | null {
  const known = processors[processor]
  if (known === undefined) return null
  const { audit, numbers, foreignFrom } = known
  return Buffer.concat([
    load(at.processor),
    // 32-bit calls have other numbers, one of which opens sockets unfiltered
    ...unlessEqual(audit, [deny('ENOSYS')]),
    load(at.number),
    ...(foreignFrom === undefined ? [] : ifAtLeast(foreignFrom, [deny('ENOSYS')])),
    ...rules[filter].flatMap(([call, then]) => ifEqual(numbers[call], then)),
    allow,
  ])
}

function refused(how: Denial, calls: string): Rule[] {
  return calls.split(/\s+/).map((call) => [call as CallName, [deny(how)]])
}

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

/** The descriptor on which bubblewrap is given the filter. */
export const filterFd = 4

/** What becomes of one call. */
type Rule = readonly [CallName, readonly Instruction[]]

const [unix, ipv4, ipv6, netlink] = [1, 2, 10, 16]
const [stream, packets] = [1, 5]
const [route, socketTables] = [0, 4]
/** CLONE_NEW: NS, CGROUP, UTS, IPC, USER, PID, NET */
const newNamespaces = 0x7e02_0000
/** F_SETOWN, F_SETOWN_EX: whom the kernel signals; F_SETLEASE: others have to wait to write the file, wherever it is */
const reachOthers = [8, 15, 1024]
/** FIOSETOWN, SIOCSPGRP: the same of a socket; TIOCSTI, TIOCLINUX: typing into a terminal */
const foreignControls = [0x8901, 0x8902, 0x5412, 0x541c]

/** What namespaces leave open to all: the user's keyrings, and io_uring, by which the rest could be had unseen. */
const forAll: readonly Rule[] = [
  ...refused('EPERM', 'add_key request_key keyctl'),
  ...refused('ENOSYS', 'io_uring_setup io_uring_enter io_uring_register'),
]

/** Kinds of sockets that lie in no namespace (a vsock to the host of a virtual machine, for one) are not made. */
const anyNetwork: readonly Rule[] = (['socket', 'socketpair'] as const).map((call) => [
  call,
  [
    loadArgument(0),
    ...[unix, ipv4, ipv6, netlink].flatMap((family) => ifEqual(family, [allow])),
    deny('EAFNOSUPPORT'),
  ],
])

/**
 * No way to another process by a socket, not even by one with a name among the files: only questions to the kernel about
 * its own tables are left, and pairs of which both ends are one's own. A pair of datagram sockets could still be sent from
 * to any name, so there is none.
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

/** Nothing of it is needed by what reads, and all of it makes a fault of the kernel's easier to reach. */
const noNamespaces: readonly Rule[] = [
  ...refused(
    'EPERM',
    `unshare setns mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr
    open_by_handle_at bpf userfaultfd perf_event_open`,
  ),
  ['clone', [loadArgument(0), ...ifAnyOf(newNamespaces, [deny('EPERM')]), allow]],
  // to read what the kernel said (and its length), not to clear it nor to silence it
  [
    'syslog',
    [loadArgument(0), ...[3, 10].flatMap((kind) => ifEqual(kind, [allow])), deny('EPERM')],
  ],
  [
    'fcntl',
    [loadArgument(1), ...reachOthers.flatMap((one) => ifEqual(one, [deny('EPERM')])), allow],
  ],
  // its flags lie where no filter sees them; the C library takes the older call then
  ...refused('ENOSYS', 'clone3'),
]

/**
 * For where the machine's processes are in sight: none is signalled, traced, slowed down or limited. A program cannot signal
 * itself either (the filter does not know its pid): one that aborts ends by SIGSEGV, and `timeout` leaves the ending to the
 * hub.
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
 * A filter of system calls, as the kernel takes it. All that it does not name is allowed.
 *
 * `wide`, for what a person has cleared, shuts what namespaces leave open. `quiet`, for what nobody has looked at, shuts
 * every socket and namespace besides. `shared` is for where the machine's own processes are in sight.
 *
 * @param processor as `process.arch` names it
 * @returns a classic BPF program; null where the numbers of the calls are not known
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
    // 32-bit calls have other numbers, and one of them opens sockets unseen
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

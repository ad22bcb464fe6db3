/** The descriptor on which bubblewrap is given the filter. */
export const filterFd = 4

const denied = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const
type Denial = keyof typeof denied

/** How one kind of processor calls what is filtered. */
interface Architecture {
  /** the kernel's name of it, `AUDIT_ARCH_…` */
  readonly audit: number
  /** the calls whose first argument is a kind of socket: `socket`, `socketpair` */
  readonly sockets: readonly number[]
  readonly keys: readonly number[]
  /** numbers from here on belong to another way of calling; absent: there is none */
  readonly foreignFrom?: number
}

/** The same numbers everywhere: setup, enter, register. A ring opens sockets without the call that is looked at. */
const rings = [425, 426, 427]

const architectures: Readonly<Record<string, Architecture>> = {
  x64: { audit: 0xc000_003e, sockets: [41, 53], keys: [248, 249, 250], foreignFrom: 0x4000_0000 },
  arm64: { audit: 0xc000_00b7, sockets: [198, 199], keys: [217, 218, 219] },
}

/** Unix, IPv4, IPv6, netlink: what a namespace of the network shuts. A vsock to the host of a virtual machine it does not. */
const families = [1, 2, 10, 16]

/** Where `seccomp_data` has the call's number, the processor's kind, and the low half of the first argument. */
const at = { number: 0, architecture: 4, firstArgument: 16 } as const

// linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGE | BPF_K, BPF_RET | BPF_K
const [loadWord, equals, atLeast, answer] = [0x20, 0x15, 0x35, 0x06]
const allow = instruction(answer, 0, 0, 0x7fff_0000)

/**
 * A filter of system calls, as the kernel takes it: it shuts what namespaces leave open, which are the keyrings of the
 * user, kinds of sockets that lie in no namespace, and io_uring, by which the rest could be had. All else is allowed.
 *
 * @param kind of processor, as `process.arch` names it
 * @returns a classic BPF program; null where the numbers of the calls are not known
 */
export function systemCallFilter(kind: string = process.arch): Buffer | null {
  const architecture = architectures[kind]
  if (architecture === undefined) return null
  const { audit, sockets, keys, foreignFrom } = architecture
  return Buffer.concat([
    load(at.architecture),
    // 32-bit calls have other numbers, and one of them opens sockets unseen
    ...unlessEqual(audit, deny('ENOSYS')),
    load(at.number),
    ...(foreignFrom === undefined ? [] : [jump(atLeast, foreignFrom, 0, 1), deny('ENOSYS')]),
    ...keys.flatMap((call) => ifEqual(call, deny('EPERM'))),
    ...rings.flatMap((call) => ifEqual(call, deny('ENOSYS'))),
    // over the answer that is for all other calls
    ...sockets.map((call, index) => jump(equals, call, sockets.length - index, 0)),
    allow,
    load(at.firstArgument),
    ...families.flatMap((family) => ifEqual(family, allow)),
    deny('EAFNOSUPPORT'),
  ])
}

function load(offset: number): Buffer {
  return instruction(loadWord, 0, 0, offset)
}

function deny(how: Denial): Buffer {
  return instruction(answer, 0, 0, 0x0005_0000 | denied[how])
}

function ifEqual(value: number, then: Buffer): Buffer[] {
  return [jump(equals, value, 0, 1), then]
}

function unlessEqual(value: number, then: Buffer): Buffer[] {
  return [jump(equals, value, 1, 0), then]
}

/** Goes on after so many instructions if it is so, and after so many if not. */
function jump(test: number, value: number, isSo: number, isNot: number): Buffer {
  return instruction(test, isSo, isNot, value)
}

/** One `struct sock_filter`. */
function instruction(code: number, isSo: number, isNot: number, value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes.writeUInt8(isSo, 2)
  bytes.writeUInt8(isNot, 3)
  bytes.writeUInt32LE(value, 4)
  return bytes
}

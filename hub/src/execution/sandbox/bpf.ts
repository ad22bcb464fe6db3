/** The answer to a filtered call, in place of its effect. */
export type Denial = 'EPERM' | 'ENOSYS' | 'EAFNOSUPPORT'

const codes: Readonly<Record<Denial, number>> = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 }

/** Offsets of the call's number and the architecture in `seccomp_data`. */
export const at = { number: 0, processor: 4 } as const

// linux/bpf_common.h: LD|W|ABS, JMP|JEQ|K, JMP|JGE|K, JMP|JSET|K, ALU|AND|K, RET|K
const [loadWord, equals, atLeast, hasBits, and, answer] = [0x20, 0x15, 0x35, 0x45, 0x54, 0x06]

/** One instruction of a classic BPF program: one `struct sock_filter`. */
export type Instruction = Buffer

/** Loads a word of `seccomp_data`. */
export function load(offset: number): Instruction {
  return instruction(loadWord, 0, 0, offset)
}

/** Loads the lower half of an argument: all that the kernel uses of flags, kinds and pids. */
export function loadArgument(index: number): Instruction {
  return load(16 + 8 * index)
}

/** Keeps these bits of the loaded value. */
export function keep(bits: number): Instruction {
  return instruction(and, 0, 0, bits)
}

export const allow: Instruction = instruction(answer, 0, 0, 0x7fff_0000)

export function deny(how: Denial): Instruction {
  return instruction(answer, 0, 0, 0x0005_0000 | codes[how])
}

/**
 * Runs `then` if the loaded value equals this one, else skips it. `then` must end with an answer.
 */
export function ifEqual(value: number, then: readonly Instruction[]): Instruction[] {
  return [instruction(equals, 0, then.length, value), ...then]
}

export function unlessEqual(value: number, then: readonly Instruction[]): Instruction[] {
  return [instruction(equals, then.length, 0, value), ...then]
}

export function ifAtLeast(value: number, then: readonly Instruction[]): Instruction[] {
  return [instruction(atLeast, 0, then.length, value), ...then]
}

export function ifAnyOf(bits: number, then: readonly Instruction[]): Instruction[] {
  return [instruction(hasBits, 0, then.length, bits), ...then]
}

function instruction(code: number, isSo: number, isNot: number, value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes.writeUInt8(isSo, 2)
  bytes.writeUInt8(isNot, 3)
  bytes.writeUInt32LE(value >>> 0, 4)
  return bytes
}

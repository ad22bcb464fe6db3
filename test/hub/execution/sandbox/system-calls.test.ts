import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { systemCallFilter } from '#hub/execution/sandbox/system-calls.ts'
import { Confined, describeConfined } from './confined.ts'

/** Makes system calls by their numbers and prints what became of each: 0 or the number of the error. */
const calls = `python3 -c '
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
arm = os.uname().machine == "aarch64"
def call(name, number, *args):
    ended = libc.syscall(number, *args)
    print(name, 0 if ended >= 0 else ctypes.get_errno())
# @u, the keyring of the user
call("add_key", 217 if arm else 248, b"user", b"centralpost-test", b"x", 1, -4)
call("keyctl", 219 if arm else 250, 0, -4, 0)
call("io_uring_setup", 425, 1, ctypes.create_string_buffer(120))
for name, family in [("unix", 1), ("inet", 2), ("inet6", 10), ("netlink", 16), ("vsock", 40), ("packet", 17)]:
    try:
        socket.socket(family, socket.SOCK_RAW if family in (16, 17) else socket.SOCK_STREAM).close()
        print(name, 0)
    except OSError as error: print(name, error.errno)
for name, family in [("pair of unix", 1), ("pair of tipc", 30), ("pair of vsock", 40)]:
    call(name, 199 if arm else 53, family, 1, 0, ctypes.create_string_buffer(8))
'`

/**
 * Makes the calls of a 32-bit program and of the x32 kind, and prints what became of each: what it gave, or minus the
 * number of the error. Each in a process of its own, because some kernels end who tries.
 */
const foreignCalls = `import ctypes, mmap, os, struct
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
# push rbx; mov eax, edi; mov ebx, esi; xchg edx, ecx; int 0x80; pop rbx; ret
code.write(bytes.fromhex('53 89f8 89f3 87ca cd80 5b c3'))
at = ctypes.addressof(ctypes.c_char.from_buffer(code))
int80 = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 4)(at)
libc = ctypes.CDLL(None, use_errno=True)
def x32(number, *args):
    ended = libc.syscall(ctypes.c_long(0x40000000 | number), *args)
    return ended if ended >= 0 else -ctypes.get_errno()
# writes "ran" by int 0x80 and ends
text, base = b'ran\\n', 0x8048000
body = bytes.fromhex('b804000000 bb01000000 b9') + struct.pack('<I', base + 84 + 34) + \\
    bytes.fromhex('ba04000000 cd80 b801000000 31db cd80 f4') + b'\\x90\\x90' + text
size = 84 + len(body)
elf = b'\\x7fELF\\x01\\x01\\x01' + bytes(9) + struct.pack('<HHIIIIIHHHHHH', 2, 3, 1, base + 84, 52, 0, 0, 52, 32, 1, 0, 0, 0) + \\
    struct.pack('<IIIIIIII', 1, 0, base, base, size, size, 5, 4096) + body
def program():
    fd = os.memfd_create('elf32')
    os.write(fd, elf)
    os.execve(fd, ['elf32'], {})
def attempt(name, call):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 1)
        if call is not program: os.write(1, str(call()).encode())
        else:
            try: program()
            except OSError as error: os.write(1, str(-error.errno).encode())
        os._exit(0)
    os.close(write)
    said = os.read(read, 99).decode().strip()
    ended = os.waitpid(child, 0)[1]
    print(name, said or 'signal %d' % os.WTERMSIG(ended), flush=True)
attempt('getpid', lambda: int80(20, 0, 0, 0) > 0 or int80(20, 0, 0, 0))
attempt('socket', lambda: int80(359, 40, 1, 0))
attempt('socketcall', lambda: int80(102, 1, 0, 0))
attempt('keyctl', lambda: int80(288, 0, 0xfffffffc, 0))
attempt('io_uring_setup', lambda: int80(425, 1, 0, 0))
attempt('x32 socket', lambda: x32(41, 40, 1, 0))
attempt('x32 keyctl', lambda: x32(250, 0, -4, 0))
attempt('program', program)
`

/** Only this processor has them. */
const describeOnX64 = process.arch === 'x64' ? describeConfined : describe.skip

const [permission, family, missing] = [1, 97, 38]

test('a filter is known for the processors whose calls are', () => {
  for (const kind of ['x64', 'arm64']) {
    for (const filter of ['wide', 'quiet', 'shared'] as const) {
      const program = systemCallFilter(filter, kind)
      expect(program?.length).toBeGreaterThan(0)
      expect((program?.length ?? 1) % 8).toBe(0)
    }
  }
  expect(systemCallFilter('quiet', 'riscv64')).toBeNull()
})

describeConfined('a confined command', () => {
  test.each([
    ['ro-nonet', family],
    ['machine-network', family],
    ['rw-workspace-net', 0],
  ] as const)(
    '%s: has no keyring, no socket that lies in no namespace, and no ring',
    async (profile, network) => {
      await using it = await Confined.make()

      const { stdout, stderr } = await it.script(calls, profile)

      expect(stderr.text).toBe('')
      expect(stdout.text.trim().split('\n')).toEqual([
        `add_key ${permission}`,
        `keyctl ${permission}`,
        `io_uring_setup ${missing}`,
        `unix ${network}`,
        `inet ${network}`,
        `inet6 ${network}`,
        'netlink 0',
        `vsock ${family}`,
        `packet ${family}`,
        'pair of unix 0',
        `pair of tipc ${family}`,
        `pair of vsock ${family}`,
      ])
    },
  )

  test('has that filter also where no named pipes can be had', async () => {
    // where mkfifo is not found
    await using it = await Confined.make(undefined, { path: '/no/such/folder' })

    const { stdout } = await it.argv(['/usr/bin/grep', 'Seccomp:', '/proc/self/status'])

    expect(stdout.text).toBe('Seccomp:\t2\n')
    expect(it.it.warned.map(({ message }) => message).join()).toContain('no named pipes')
  })
})

describeOnX64('a confined command of a processor that is called in several ways', () => {
  test('has one way: not by int 0x80, not as x32, not as a 32-bit program', async () => {
    await using it = await Confined.make()
    const file = join(it.cwd, 'foreign.py')
    await writeFile(file, foreignCalls)

    const { stdout, stderr } = await it.argv(['python3', file])
    const outside = await it.it.argv(['python3', file])

    expect(stderr.text).toBe('')
    const names = ['getpid', 'socket', 'socketcall', 'keyctl', 'io_uring_setup']
    const refused = [...names, 'x32 socket', 'x32 keyctl'].map((name) => `${name} -${missing}`)
    // its first call is refused, and so is the one that would end it
    expect(stdout.text.trim().split('\n')).toEqual([...refused, 'program signal 11'])
    // outside these are real calls, where the kernel has them
    expect(outside.stdout.text).toMatch(
      /^getpid True\n[^]*\nprogram ran$|^getpid (-38|signal 11)$/m,
    )
  })
})

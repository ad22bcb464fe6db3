import { expect, test } from '@jest/globals'
import { systemCallFilter } from '../../../../hub/src/execution/sandbox/system-calls.ts'
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
'`

const [permission, family, missing] = [1, 97, 38]

test('a filter is known for the processors whose calls are', () => {
  for (const kind of ['x64', 'arm64']) {
    const program = systemCallFilter(kind)
    expect(program?.length).toBeGreaterThan(0)
    expect((program?.length ?? 1) % 8).toBe(0)
  }
  expect(systemCallFilter('riscv64')).toBeNull()
})

describeConfined('a confined command', () => {
  test.each(['ro-nonet', 'rw-workspace-net'] as const)(
    '%s: has no keyring, no socket that lies in no namespace, and no ring',
    async (profile) => {
      await using it = await Confined.make()

      const { stdout, stderr } = await it.script(calls, profile)

      expect(stderr.text).toBe('')
      expect(stdout.text.trim().split('\n')).toEqual([
        `add_key ${permission}`,
        `keyctl ${permission}`,
        `io_uring_setup ${missing}`,
        'unix 0',
        'inet 0',
        'inet6 0',
        'netlink 0',
        `vsock ${family}`,
        `packet ${family}`,
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

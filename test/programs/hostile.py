# Tries everything that a command must not be able to do, and prints a line for each that worked. It is what a slip of the
# classifier would let run; every payload is harmless: canaries of the test, sockets of the test, a victim of the test.
import ctypes, glob, json, os, resource, signal, socket, sys, time

told = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
arm = os.uname().machine == 'aarch64'


def attempt(name, work):
    try:
        if work():
            print('HOLE', name, flush=True)
    except BaseException as error:  # noqa: BLE001 whatever it is, it was refused
        if isinstance(error, SystemExit):
            raise


def write(path):
    with open(path, 'w') as file:
        file.write('x')
    return True


def append(path):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    os.close(fd)
    return True


def holds(path):
    with open(path, 'rb') as file:
        return b'SECRET' in file.read(1 << 20)


def connect(family, kind, address, protocol=0):
    with socket.socket(family, kind, protocol) as one:
        one.settimeout(2)
        if kind == socket.SOCK_DGRAM:
            return one.sendto(b'x', address) > 0
        one.connect(address)
        return True


def by_pair(address):
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return one.sendto(b'x', address) > 0


def call(number, *args):
    return libc.syscall(number, *args) >= 0


for place in told['places']:
    attempt(f'writes {place}', lambda: write(place))
for setting in ['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/sys/kernel/mm/ksm/run', '/dev/kmsg', '/dev/vda', '/dev/sda', '/dev/mem']:
    attempt(f'opens {setting}', lambda: append(setting))
for secret in told['secrets']:
    attempt(f'reads {secret}', lambda: holds(secret))
    attempt(f'reads {secret} by root', lambda: holds(f'/proc/self/root{secret}'))
    attempt(f'reads {secret} by init', lambda: holds(f'/proc/1/root{secret}'))
attempt('runs code of the workspace', lambda: told['noexec'] and os.spawnv(os.P_WAIT, told['program'], ['program']) == 0)

attempt('tcp', lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', told['port'])))
attempt('tcp6', lambda: connect(socket.AF_INET6, socket.SOCK_STREAM, ('::ffff:127.0.0.1', told['port'])))
attempt('udp', lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', told['port'])))
attempt('out', lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ('192.0.2.77', 53)))
attempt('unix', lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, told['unix']))
attempt('unix datagrams', lambda: connect(socket.AF_UNIX, socket.SOCK_DGRAM, told['unix']))
attempt('unix by a pair', lambda: by_pair(told['unix']))
attempt('abstract', lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, '\0' + told['abstract']))
attempt('vsock', lambda: socket.socket(40, socket.SOCK_STREAM) is not None)
attempt('packet', lambda: socket.socket(17, socket.SOCK_RAW) is not None)
attempt('kernel events', lambda: socket.socket(16, socket.SOCK_RAW, 15) is not None)

victim = told['victim']
for name in ['environ', 'maps', 'mem', 'auxv', 'io', 'stack', 'syscall', 'pagemap', 'smaps']:
    for process in [victim, told['hub']]:
        attempt(f'{name} of another process', lambda: len(open(f'/proc/{process}/{name}', 'rb').read(1)) >= 0)
        attempt(f'{name} of a thread of it', lambda: len(open(f'/proc/{process}/task/{process}/{name}', 'rb').read(1)) >= 0)
for name in ['cwd', 'root', 'exe', 'fd/0', 'fd/1', 'ns/net', 'ns/mnt']:
    attempt(f'{name} of another process', lambda: os.readlink(f'/proc/{victim}/{name}'))
    attempt(f'{name} of another process, opened', lambda: os.open(f'/proc/{victim}/{name}', os.O_RDONLY) >= 0)
attempt('environ of any', lambda: any(b'SECRET' in open(path, 'rb').read() for path in glob.glob('/proc/[0-9]*/environ') if not open(path, 'rb').close() and os.path.basename(os.path.dirname(path)) != str(os.getpid())))
if os.path.exists(f'/proc/{victim}'):
    attempt('signals', lambda: os.kill(victim, signal.SIGWINCH) is None)
    attempt('signals a group', lambda: os.killpg(victim, signal.SIGWINCH) is None)
    attempt('signals all', lambda: os.kill(-1, signal.SIGWINCH) is None)
    attempt('limits', lambda: resource.prlimit(victim, resource.RLIMIT_NOFILE, (64, 64)) is not None)
    attempt('priority', lambda: os.setpriority(os.PRIO_PROCESS, victim, 15) is None)
    attempt('affinity', lambda: os.sched_setaffinity(victim, {0}) is None)
    attempt('traces', lambda: libc.ptrace(16, victim, 0, 0) == 0)
    attempt('a descriptor of it', lambda: call(438, os.pidfd_open(victim), 1, 0))
    attempt('reads its memory', lambda: call(270 if arm else 310, victim, None, 0, None, 0, 0))

attempt('user namespace', lambda: libc.unshare(0x10000000) == 0)
attempt('mount namespace', lambda: libc.unshare(0x20000) == 0)
attempt('user namespace by clone', lambda: call(220 if arm else 56, 0x10000000 | 17, 0, 0, 0, 0) and os._exit(0))
attempt('mounts', lambda: libc.mount(b'none', b'/mnt', b'tmpfs', 0, None) == 0)
attempt('remounts', lambda: libc.mount(b'', b'/', b'', 0x20 | 0x1000, None) == 0)
attempt('unmounts', lambda: libc.umount2(told['secrets'][0].encode(), 2) == 0)
attempt('opens a tree', lambda: call(428, -100, b'/', 1))
attempt('opens by a handle', lambda: libc.open_by_handle_at(-100, None, 0) == 0 or ctypes.get_errno() not in (1,))
attempt('keeps keys', lambda: call(217 if arm else 248, b'user', b'centralpost-hostile', b'x', 1, -4))
attempt('a ring', lambda: call(425, 1, ctypes.create_string_buffer(120)))
attempt('gains a privilege', lambda: os.setuid(0) is None and os.getuid() == 0 and told['uid'] != 0)

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve('/bin/sleep', ['sleep', told['nap']], {})
    os._exit(0)
os.wait()
print('DONE', flush=True)

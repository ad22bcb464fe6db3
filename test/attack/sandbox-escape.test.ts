import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type ListenOptions, type Server } from 'node:net'
import { join } from 'node:path'
import { expect, jest, test } from '@jest/globals'
import { bwrapArguments } from '#hub/execution/sandbox/bwrap-arguments.ts'
import { choice, Confined, describeConfined, sandboxOf } from '../hub/execution/sandbox/confined.ts'
import { isRunning, livingWith } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { Program } from '../support/program.ts'

const isRoot = process.getuid?.() === 0

const preyIn = (cwd: string) => ({ home: join(cwd, 'home'), data: join(cwd, '.centralpost') })

/** A workspace with a home, a data directory and a file that nobody confined should read. */
async function prey(
  roots: (cwd: string) => readonly string[] = (cwd) => [cwd],
): Promise<Confined & { readonly home: string; readonly data: string }> {
  const it = await Confined.make(async (cwd) => {
    const { home, data } = preyIn(cwd)
    for (const folder of [join(home, '.ssh'), join(home, '.aws'), data]) {
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'key'), 'SECRET')
    }
    await writeFile(join(home, '.netrc'), 'SECRET')
    await symlink(data, join(cwd, 'link'))
    await symlink(data, join(cwd, 'other'))
    await symlink(join(home, '.netrc'), join(cwd, 'netrc'))
    return { homes: [home], hidden: [data], roots: roots(cwd) }
  })
  return Object.assign(it, preyIn(it.cwd))
}

async function listening(options: ListenOptions): Promise<Server & AsyncDisposable> {
  const server = createServer((socket) => socket.end('REACHED'))
  server.listen(options)
  await once(server, 'listening')
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => void (await new Promise((done) => server.close(done))),
  })
}

const reach = (family: string, address: string) =>
  `python3 -c 'import socket; s = socket.socket(socket.${family}); s.settimeout(3); s.connect(${address}); print(s.recv(99))'`

describeConfined('from inside the sandbox', () => {
  test('nothing outside the workspace can be written', async () => {
    await using it = await Confined.make()
    const mark = `sandbox-escape-${process.pid}`
    const places = ['/', '/etc/', '/usr/bin/', '/root/', '/home/', '/opt/', '/var/lib/', '/sys/']
    const script = [
      ...places.map((place) => `echo x > ${place}${mark}`),
      `echo x > /proc/self/root/etc/${mark}`,
      `echo x > /proc/1/root/etc/${mark}`,
      `echo x > /proc/1/cwd/../${mark}`,
      `ln -s /etc s; echo x > s/${mark}`,
      `ln /etc/passwd hard && echo LINKED`,
    ].join('; ')
    const ended = await it.script(script, 'rw-workspace-net')
    expect(ended.stdout.text).toBe('')
    for (const place of [...places, `${it.cwd}/../`]) {
      expect([place, existsSync(`${place}${mark}`)]).toEqual([place, false])
    }
  })

  test('whoever reads a named pipe of the workspace hears nothing', async () => {
    await using it = await Confined.make()
    await mkdir(join(it.cwd, 'tools'))
    const pipes = ['pipe', 'tools/pipe'].map((name) => join(it.cwd, name))
    execFileSync('mkfifo', pipes)
    const readers = pipes.map((path) => openSync(path, constants.O_RDWR | constants.O_NONBLOCK))
    const sandbox = { ...(await sandboxOf({ roots: [it.cwd] })), filtersCalls: false }
    // one that is younger may be gone at any moment, and is left
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000)
    const mark = { hubId: 'test', runId: 'pipes' }
    try {
      const args = bwrapArguments(sandbox, { profile: 'ro-nonet', cwd: it.cwd, shown: [], mark })
      const write = 'for pipe; do echo heard 1<>"$pipe"; done 2>/dev/null; true'
      execFileSync(sandbox.bwrap, [...args, 'sh', '-c', write, 'sh', ...pipes])
      for (const reader of readers)
        expect(() => readSync(reader, Buffer.alloc(1))).toThrow('EAGAIN')
    } finally {
      clock.mockRestore()
      for (const reader of readers) closeSync(reader)
    }
  })

  test.each(['ro-nonet', 'machine-mounts', 'machine-network'] as const)(
    'nobody who writes a file has to wait for a lease: %s',
    async (profile) => {
      await using it = await Confined.make()
      const lease =
        'import fcntl, os; fcntl.fcntl(os.open("/etc/passwd", os.O_RDONLY), 1024, fcntl.F_RDLCK)'
      const ended = await it.argv(['python3', '-c', lease], profile)
      expect(ended.stderr.text).toContain('Operation not permitted')
    },
  )

  test('the mounts stay as they are, also from namespaces of its own', async () => {
    await using it = await prey()
    const mark = `/etc/sandbox-escape-${process.pid}`
    const tries = [
      'mount -o remount,rw /',
      'mount -o remount,bind,rw /',
      `umount ${it.data}`,
      `umount -l ${it.home}/.ssh`,
      'mount --bind / /mnt',
      'mount -t proc proc /mnt',
    ]
    const all = [...tries, `touch ${mark}`, `cat ${it.data}/key ${it.home}/.ssh/key`]
    // with a mapping of users and without: the second needs nothing to be written in /proc
    const nested = all.flatMap((one) => [
      `unshare -Urmpf sh -c '${one}'`,
      `unshare -Umpf sh -c '${one}'`,
    ])
    const ended = await it.script(`${[...all, ...nested].join('; ')}; true`, 'rw-workspace-net')
    expect(ended.stdout.text).not.toContain('SECRET')
    expect(existsSync(mark)).toBe(false)
    const whole = `unshare -Um sh -c '${all.join('; ')}'; mount -o remount,rw / && touch ${mark}`
    expect((await it.script(whole, 'rw-workspace-net')).stdout.text).not.toContain('SECRET')
    expect(existsSync(mark)).toBe(false)
  })

  test('another bubblewrap gives nothing back', async () => {
    await using it = await prey()
    const bwrap = it.it.options.sandbox?.bwrap ?? ''
    const { stdout } = await it.script(
      `${bwrap} --bind / / cat ${it.data}/key ${it.home}/.netrc; ${bwrap} --unshare-user --bind / / sh -c 'umount ${it.data}; cat ${it.data}/key; touch /etc/x-escape'`,
      'rw-workspace-net',
    )
    expect(stdout.text).not.toContain('SECRET')
    expect(existsSync('/etc/x-escape')).toBe(false)
  })

  test.each(['ro-nonet', 'rw-workspace-nonet', 'rw-workspace-net'] as const)(
    "%s: credentials and the hub's data are not to be read by any path",
    async (profile) => {
      await using it = await prey()
      const paths = [
        `${it.data}/key`,
        'link/key',
        'netrc',
        `${it.home}/.ssh/key`,
        `${it.home}/.aws/../.ssh/key`,
        `/proc/self/root${it.data}/key`,
        `/proc/self/cwd/.centralpost/key`,
        `/proc/1/root${it.data}/key`,
        `/proc/${process.pid}/root${it.data}/key`,
        `/proc/${process.ppid}/cwd/${it.data}/key`,
      ]
      const moves = [
        `mv ${it.data} moved; cat moved/key`,
        `mv ${it.home} moved-home; cat moved-home/.ssh/key moved-home/.netrc`,
        `ln ${it.home}/.netrc hard; cat hard`,
        `cp -r ${it.cwd} /tmp/copy; grep -r SECRET /tmp/copy`,
        `grep -rs SECRET ${it.cwd}`,
        `tar c ${it.cwd} | grep -a SECRET`,
      ]
      const reads = paths.map((path) => `cat ${path}`)
      const { stdout } = await it.script([...reads, ...moves].join('; '), profile)
      expect(stdout.text).not.toContain('SECRET')
    },
  )

  test('a link among the temporary files leads to the mask, not past it', async () => {
    await using it = await prey()
    const links = [`/tmp/escape-${process.pid}`, `/var/tmp/escape-${process.pid}`]
    try {
      for (const link of links) await symlink(it.data, link)
      const { stdout } = await it.script(
        links.map((link) => `cat ${link}/key; ls ${link}/`).join('; '),
      )
      expect(stdout.text).toBe('')
    } finally {
      for (const link of links) await rm(link, { force: true })
    }
  })

  test.each(['ro-nonet', 'rw-workspace-net'] as const)(
    '%s: a server that listens among the temporary files is not reached by naming its directory',
    async (profile) => {
      await using it = await Confined.make()
      const directory = await mkdtemp('/tmp/escape-')
      try {
        await writeFile(join(directory, 'file'), 'SHOWN')
        const path = join(directory, 'default')
        await using server = await listening({ path })
        expect(server.listening).toBe(true)
        const script = `cat ${directory}/file; ${reach('AF_UNIX', `"${path}"`)}`
        expect((await it.it.script(script)).stdout.text).toContain('REACHED')
        const confinement = choice(profile, [directory])
        expect((await it.it.script(script, { confinement })).stdout.text).toBe('SHOWN')
      } finally {
        await rm(directory, { recursive: true })
      }
    },
  )

  test('a workspace that has become a link is not mounted from outside', async () => {
    await using it = await prey((cwd) => [cwd, join(cwd, 'other')])
    expect((await it.script('cat other/key', 'rw-workspace-net')).stdout.text).toBe('')
  })

  test('a file handle opens nothing past the masks', async () => {
    await using it = await prey()
    await writeFile(
      join(it.cwd, 'handle.py'),
      `import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
class Handle(ctypes.Structure):
    _fields_ = [('bytes', ctypes.c_uint), ('type', ctypes.c_int), ('data', ctypes.c_ubyte * 128)]
handle = Handle(); handle.bytes = 128; mount = ctypes.c_int()
named = libc.name_to_handle_at(-100, b'handle.py', ctypes.byref(handle), ctypes.byref(mount), 0)
fd = os.open('.', os.O_RDONLY)
opened = libc.open_by_handle_at(fd, ctypes.byref(handle), 0)
print('named', named, 'opened', opened, os.strerror(ctypes.get_errno()))
`,
    )
    const { stdout } = await it.script('python3 handle.py', 'rw-workspace-net')
    expect(stdout.text).toMatch(/opened -1 Operation not permitted/)
  })

  test('no privilege is left that could undo it, and none can be gained', async () => {
    await using it = await Confined.make()
    const { stdout } = await it.script(
      'grep -E "^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)" /proc/self/status',
    )
    const dacOverride = isRoot ? '0000000000000002' : '0000000000000000'
    expect(stdout.text).toMatch(new RegExp(`CapPrm:\\t${dacOverride}\\nCapEff:\\t${dacOverride}`))
    expect(stdout.text).toContain('NoNewPrivs:\t1')
  })

  test("the kernel's settings and devices are out of reach", async () => {
    await using it = await Confined.make()
    const settings = [
      '/proc/sys/kernel/core_pattern',
      '/proc/sysrq-trigger',
      '/proc/sys/vm/drop_caches',
      '/sys/kernel/mm/ksm/run',
      '/sys/power/state',
    ]
    const tries = settings.map((path) => `{ : >> ${path}; } 2>/dev/null && echo "OPENED ${path}"`)
    const fresh = `mount -t proc proc /mnt || mount -t proc proc /proc; { : >> /mnt/sys/kernel/core_pattern; } 2>/dev/null && echo OPENED; { : >> /proc/sys/kernel/core_pattern; } 2>/dev/null && echo OPENED`
    const { stdout } = await it.script(
      `${tries.join('; ')}; mknod disk b 254 0 && echo MADE; ls /dev | grep -E '^(sd|vd|nvme|mem|kmsg)'; cat /dev/tty && echo TTY; unshare -Urmpf sh -c '${fresh}'; unshare -Umpf sh -c '${fresh}'; unshare -mpf sh -c '${fresh}'; mount -o remount,rw /proc; unshare -Um sh -c 'mount -o remount,rw,bind /proc; ${fresh}'; ${tries[0]}`,
      'rw-workspace-nonet',
    )
    expect(stdout.text).toBe('')
  })

  test.each(['ro-nonet', 'rw-workspace-nonet'] as const)(
    '%s: servers on loopback and abstract sockets are not to be reached',
    async (profile) => {
      await using tcp = await listening({ host: '127.0.0.1', port: 0 })
      const name = `sandbox-escape-${process.pid}-${profile}`
      await using abstract = await listening({ path: `\0${name}` })
      expect(abstract.listening).toBe(true)
      const { port } = tcp.address() as { port: number }
      await using it = await Confined.make()
      const script = [
        reach('AF_INET', `("127.0.0.1", ${port})`),
        reach('AF_UNIX', `"\\0${name}"`),
      ].join('; ')
      const outside = await it.script(script, 'none')
      expect(outside.stdout.text.match(/REACHED/g)).toHaveLength(2)
      expect((await it.script(script, profile)).stdout.text).toBe('')
      // the one that has a network really has it
      expect((await it.script(script, 'rw-workspace-net')).stdout.text).toContain('REACHED')
    },
  )

  test('no socket of a server below /run is to be reached', async () => {
    // only root may put one there; an ordinary user has /run/user
    const place = isRoot ? '/run' : `/run/user/${process.getuid?.()}`
    if (!existsSync(place)) return
    const path = `${place}/sandbox-escape-${process.pid}.sock`
    await using server = await listening({ path })
    expect(server.listening).toBe(true)
    await using it = await Confined.make()
    const script = [path, `/var/run/${path.slice(5)}`, `/proc/1/root${path}`]
      .map((one) => reach('AF_UNIX', `"${one}"`))
      .join('; ')
    expect((await it.script(script, 'none')).stdout.text).toContain('REACHED')
    expect((await it.script(script, 'rw-workspace-net')).stdout.text).toBe('')
    await rm(path, { force: true })
  })

  test('processes outside are not seen, signalled, traced or read', async () => {
    await using it = await Confined.make()
    const victim = spawn('sleep', ['30'], { env: { TOKEN: 'SECRET' }, stdio: 'ignore' })
    try {
      const pid = victim.pid ?? 0
      const ended = await it.script(
        `ls /proc | grep -cE '^[0-9]+$'; cat /proc/${pid}/environ; cat /proc/*/environ | tr '\\0' '\\n' | grep -a SECRET; kill -9 ${pid} ${process.pid}; python3 -c 'import ctypes; print("attached", ctypes.CDLL(None).ptrace(16, ${pid}, 0, 0))'; kill -9 -1`,
      )
      expect(ended.stdout.text).not.toContain('SECRET')
      expect(ended.stdout.text).not.toContain('attached 0')
      expect(Number(ended.stdout.text.split('\n')[0])).toBeLessThan(10)
      expect(victim.exitCode ?? victim.signalCode).toBeNull()
    } finally {
      victim.kill('SIGKILL')
    }
  })

  test('nothing outlives it when bubblewrap is killed', async () => {
    await using it = await Confined.make()
    const nap = `sleep 4001.${process.pid}`
    const started = Promise.withResolvers<number>()
    const ended = it.script(
      `(setsid env -i setsid ${nap} &); trap '' TERM; echo up; ${nap}; ${nap}`,
      'ro-nonet',
      { onStart: started.resolve },
    )
    const pid = await started.promise
    await eventually(() => isRunning(nap))
    process.kill(pid, 'SIGKILL')
    expect(await ended).toMatchObject({ status: 'failed', signal: 'SIGKILL' })
    expect(isRunning(nap)).toBe(false)
  })

  test('nothing outlives a hub that is killed with -9', async () => {
    await using it = await Confined.make()
    const nap = `sleep 4002.${process.pid}`
    const marker = `sandbox-dies-${process.pid}`
    const scripts = [nap, `(setsid env -i ${nap} &); ${nap}`, `trap '' TERM; ${nap}; ${nap}`]
    await using hub = new Program('executor-with-sandbox.ts', [
      marker,
      join(it.cwd, 'spool'),
      it.cwd,
      ...scripts,
    ])
    await eventually(() => hub.stdout.includes('all up'))
    expect(isRunning(nap)).toBe(true)
    hub.child.kill('SIGKILL')
    await hub.ended
    await eventually(() => !isRunning(nap))
    expect(livingWith(`CENTRALPOST_HUB=${marker}`)).toEqual([])
  })
})

import { existsSync } from 'node:fs'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { isRunning } from '../executor-fixture.ts'
import { choice, Confined, describeConfined } from './confined.ts'

describeConfined('a confined command', () => {
  test('runs where it was told to, as who the hub is, on files that belong to whom they belong', async () => {
    await using it = await Confined.make()
    await writeFile(join(it.cwd, 'mine'), '')
    const { stdout, sandbox, status } = await it.script('pwd; whoami; stat -c %U mine')
    expect({ status, text: stdout.text }).toEqual({
      status: 'completed',
      text: `${it.cwd}\n${userInfo().username}\n${userInfo().username}\n`,
    })
    expect(sandbox).toEqual({ profile: 'ro-nonet', reason: null })
  })

  test('writes to its standard streams by every name they have', async () => {
    await using it = await Confined.make()
    const ended = await it.script(
      'echo a; echo b >&2; echo c > /dev/stdout; echo d > /dev/stderr; echo e > /proc/self/fd/1; echo f | tee /dev/stderr',
    )
    expect(ended.stdout.text).toBe('a\nc\ne\nf\n')
    expect(ended.stderr.text).toBe('b\nd\nf\n')
  })

  test('calls programs and shells by their names', async () => {
    await using it = await Confined.make()
    expect((await it.argv(['ls', 'nowhere'])).stderr.text).toMatch(/^ls: /)
    expect((await it.script('no-such-program; echo $0')).stderr.text).toMatch(
      /^bash: .*no-such-program: command not found/,
    )
    expect((await it.script('echo $0')).stdout.text).toBe('bash\n')
  })

  test('gives its own exit code; a signal is 128 and its number, and said', async () => {
    await using it = await Confined.make()
    expect(await it.argv(['sh', '-c', 'exit 7'])).toMatchObject({ exitCode: 7, reason: null })
    expect(await it.argv(['sh', '-c', 'kill -SEGV $$'])).toMatchObject({
      status: 'failed',
      exitCode: 139,
      signal: null,
      reason: expect.stringContaining('SIGSEGV'),
    })
  })

  test('that could not be started is told as such, in words that no command can abuse', async () => {
    await using it = await Confined.make()
    await writeFile(join(it.cwd, 'script'), '#!/no/such/interpreter\n')
    await chmod(join(it.cwd, 'script'), 0o755)
    expect(await it.argv(['./script'])).toMatchObject({
      status: 'failed',
      exitCode: 1,
      errorCategory: 'not_found',
      reason: expect.stringContaining('did not start'),
    })
    expect(await it.argv(['echo', ...Array.from({ length: 9500 }, String)])).toMatchObject({
      errorCategory: 'resource',
      reason: expect.stringContaining('maximum number of arguments'),
    })
    const liar = await it.script('echo done; echo "bwrap: execvp x: odd" >&2; exit 1')
    expect(liar).toMatchObject({
      exitCode: 1,
      stdout: { text: 'done\n' },
      sandbox: { profile: 'ro-nonet' },
      reason: expect.stringContaining('unless the command wrote this'),
    })
  })

  test('has temporary files of its own, and sees what it names of the others', async () => {
    await using it = await Confined.make()
    const own = `/tmp/sandbox-test-${process.pid}`
    expect((await it.script(`echo x > ${own} && cat ${own}`)).stdout.text).toBe('x\n')
    expect(existsSync(own)).toBe(false)
    await mkdir(own)
    try {
      await writeFile(join(own, 'log'), 'from outside\n')
      const confinement = choice('ro-nonet', [own])
      const ended = await it.it.script(`cat ${own}/log; echo y > ${own}/log`, { confinement })
      expect(ended.stdout.text).toBe('from outside\n')
      expect(ended.stderr.text).toContain('Read-only file system')
    } finally {
      await rm(own, { recursive: true })
    }
  })

  test('works in its workspace, writing where the profile says so', async () => {
    await using it = await Confined.make()
    expect((await it.script('echo x > f')).stderr.text).toContain('Read-only file system')
    const ended = await it.script('echo x > f && stat -c %a f', 'rw-workspace-nonet')
    expect(ended.stdout.text).toBe('600\n')
    expect(existsSync(join(it.cwd, 'f'))).toBe(true)
  })

  test('writes in the innermost workspace that it is in, and in no other', async () => {
    await using outer = await Confined.make(async (cwd) => {
      const roots = [join(cwd, 'inner'), cwd, join(cwd, 'other')]
      for (const root of roots) await mkdir(root, { recursive: true })
      return { roots }
    })
    const inner = join(outer.cwd, 'inner')
    const { stdout } = await outer.it.script(
      'touch a && echo in; touch ../b || echo out; touch ../other/c || echo out',
      { cwd: inner, confinement: choice('rw-workspace-nonet') },
    )
    expect(stdout.text).toBe('in\nout\nout\n')
  })

  test('gets its SIGTERM and its grace when it is ended', async () => {
    await using it = await Confined.make()
    const cancel = new AbortController()
    const ended = it.script(
      `trap 'echo cleaning up; exit 3' TERM; echo ready; while :; do sleep 0.05; done`,
      'ro-nonet',
      {
        signal: cancel.signal,
        onOutput: ({ data }) => {
          if (data.includes('ready')) cancel.abort('enough')
        },
      },
    )
    expect(await ended).toMatchObject({
      status: 'cancelled',
      exitCode: 3,
      stdout: { text: 'ready\ncleaning up\n' },
    })
  })

  test('that ignores SIGTERM is ended after its grace', async () => {
    await using it = await Confined.make()
    const nap = `sleep 3001.${process.pid}`
    const ended = await it.it.script(`trap '' TERM; (setsid ${nap} &); ${nap}; ${nap}`, {
      timeoutMs: 400,
      confinement: choice('ro-nonet'),
    })
    expect(ended).toMatchObject({ status: 'timed_out', errorCategory: 'timeout' })
    expect(isRunning(nap)).toBe(false)
  })

  test('takes what left its session and its environment along when it ends', async () => {
    await using it = await Confined.make()
    const nap = `sleep 3002.${process.pid}`
    // that many the kernel does not end at once: bubblewrap itself has exited long before
    const leave = `for i in {1..200}; do (setsid env -i ${nap} >/dev/null 2>&1 &); done`
    const ended = await it.script(`${leave}; echo done`)
    expect(ended).toMatchObject({ status: 'completed', stdout: { text: 'done\n' }, warnings: [] })
    expect(isRunning(nap)).toBe(false)
  })

  test('follows no link into what is hidden', async () => {
    await using it = await Confined.make(async (cwd) => {
      const secret = join(cwd, 'data')
      await mkdir(secret)
      await writeFile(join(secret, 'key'), 'secret')
      await symlink(secret, join(cwd, 'link'))
      return { hidden: [join(cwd, 'link')] }
    })
    const { stdout } = await it.script(
      'cat data/key link/key; ls -A data link/',
      'rw-workspace-net',
    )
    expect(stdout.text).not.toContain('secret')
    expect(stdout.text).not.toContain('key')
  })
})

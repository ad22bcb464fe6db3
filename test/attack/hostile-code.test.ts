import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { createServer, type ListenOptions, type Server } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { machineViews } from '#hub/execution/sandbox/profiles.ts'
import { Confined, describeConfined } from '../hub/execution/sandbox/confined.ts'
import { isRunning } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'

const hostile = fileURLToPath(new URL('../programs/hostile.py', import.meta.url))
const uid = process.getuid?.()

/** Every profile that a command can get which nobody has looked at. */
const unattended = ['ro-nonet', ...machineViews.map((view) => `machine-${view}` as const)] as const

async function listening(options: ListenOptions): Promise<Server & AsyncDisposable> {
  const server = createServer((socket) => socket.end('REACHED'))
  server.listen(options)
  await once(server, 'listening')
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => void (await new Promise((done) => server.close(done))),
  })
}

/** Another process of the same user, with a secret in its environment. */
function victimOf(owner: number | undefined): { readonly pid: number } & Disposable {
  const child = spawn('sleep', ['60'], {
    env: { TOKEN: 'SECRET' },
    stdio: 'ignore',
    ...(owner !== undefined && { uid: owner }),
  })
  return { pid: child.pid ?? 0, [Symbol.dispose]: () => child.kill('SIGKILL') }
}

/** Of whom the victim is: root's processes without capabilities are as open to root as an ordinary user's own. */
const owners = uid === 0 ? [0, 65_534] : [undefined]

describeConfined('code that nobody has looked at', () => {
  test.each(unattended.flatMap((profile) => owners.map((owner) => [profile, owner] as const)))(
    '%s: touches nothing, whatever it tries (a victim of user %s)',
    async (profile, owner) => {
      await using it = await Confined.make(async (cwd) => {
        const [home, data] = [join(cwd, 'home'), join(cwd, '.centralpost')]
        for (const folder of [join(home, '.ssh'), join(home, '.codex'), data]) {
          await mkdir(folder, { recursive: true })
          await writeFile(join(folder, 'auth.json'), 'SECRET')
        }
        await writeFile(join(home, '.netrc'), 'SECRET')
        await copyFile(hostile, join(cwd, 'hostile.py'))
        await copyFile('/bin/true', join(cwd, 'program'))
        await chmod(join(cwd, 'program'), 0o755)
        return { homes: [home], hidden: [data] }
      })
      const { cwd } = it
      const [nap, mark] = [`4100.${process.pid}`, `hostile-${process.pid}`]
      const abstract = `${mark}-abstract`
      await using tcp = await listening({ host: '127.0.0.1', port: 0 })
      await using unix = await listening({ path: join(cwd, 'server') })
      await using name = await listening({ path: `\0${abstract}` })
      expect([unix.listening, name.listening]).toEqual([true, true])
      using victim = victimOf(owner)
      const told = {
        uid,
        places: ['/', '/etc/', '/usr/bin/', '/var/lib/', '/var/tmp/../', `${cwd}/`].map(
          (place) => place + mark,
        ),
        secrets: [
          `${cwd}/home/.ssh/auth.json`,
          `${cwd}/home/.codex/auth.json`,
          `${cwd}/home/.netrc`,
          `${cwd}/.centralpost/auth.json`,
        ],
        program: join(cwd, 'program'),
        noexec: profile !== 'ro-nonet',
        port: (tcp.address() as { port: number }).port,
        unix: join(cwd, 'server'),
        abstract,
        victim: victim.pid,
        hub: process.pid,
        nap,
      }

      const { stdout, stderr } = await it.argv(
        ['python3', 'hostile.py', JSON.stringify(told)],
        profile,
      )

      expect([stdout.text, stderr.text]).toEqual(['DONE\n', ''])
      expect(told.places.filter((place) => existsSync(place))).toEqual([])
      expect(isRunning(`sleep ${nap}`)).toBe(false)
    },
    30_000,
  )

  test('where it sees the machine is ended with all it started, also when its runner is killed', async () => {
    await using it = await Confined.make()
    const [nap, own] = [`4101.${process.pid}`, `4102.${process.pid}`]
    // no session, no parent, no variable tells of it
    const script = `(setsid env -i CENTRALPOST_RUN=another sleep ${nap} &); sleep ${own}`
    const ended = it.script(script, 'machine-processes')
    await eventually(() => isRunning(`sleep ${nap}`) && isRunning(`sleep ${own}`))
    for (const pid of it.it.executor.runnerPids) process.kill(pid, 'SIGKILL')
    expect(await ended).toMatchObject({ status: 'interrupted' })
    expect([isRunning(`sleep ${nap}`), isRunning(`sleep ${own}`)]).toEqual([false, false])
  })

  test('where it sees the machine leaves nothing when it is cancelled', async () => {
    await using it = await Confined.make()
    const nap = `4103.${process.pid}`
    const cancelling = new AbortController()
    const script = `(setsid env -i sleep ${nap} &); trap '' TERM; sleep ${nap}; sleep ${nap}`
    const ended = it.script(script, 'machine-network', { signal: cancelling.signal })
    await eventually(() => isRunning(`sleep ${nap}`))
    cancelling.abort('enough')
    expect(await ended).toMatchObject({ status: 'cancelled' })
    expect(isRunning(`sleep ${nap}`)).toBe(false)
  })
})

import { execFileSync } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { silentLogger } from '@centralpost/shared'
import { connect } from 'nats'
import { CredentialStore } from '#hub/broker/credentials.ts'
import { EmbeddedBroker } from '#hub/broker/embedded-broker.ts'
import { findRunningBroker } from '#hub/broker/reload.ts'
import { eventually } from '../../support/eventually.ts'
import { clientOptions, TestBroker } from '../../support/nats-server.ts'
import { Program } from '../../support/program.ts'
import { TempDir } from '../../support/temp-dir.ts'

const log = silentLogger

test('a broker that was killed is back on the same port with what its streams held', async () => {
  await using broker = await TestBroker.start({ agents: ['agent-a'] })
  const hub = await connect(clientOptions(await broker.credentials('hub')))
  const manager = await hub.jetstreamManager()
  await manager.streams.add({ name: 'SYSTEM_ACTIONS', subjects: ['SYSTEM_ACTION_REQUEST.*'] })
  const agent = await connect(clientOptions(await broker.credentials('agent', 'agent-a')))
  await agent.jetstream().publish('SYSTEM_ACTION_REQUEST.agent-a', 'kept')
  await agent.close()
  const { url } = broker

  await broker.kill9()
  await broker.isBack()

  expect(broker.url).toBe(url)
  const again = await connect(clientOptions(await broker.credentials('hub')))
  const info = await (await again.jetstreamManager()).streams.info('SYSTEM_ACTIONS')
  expect(info.state.messages).toBe(1)
  await again.close()
  await hub.close()
})

test('a broker comes back on its port after a stop, and others can find it only while it runs', async () => {
  await using dir = await TempDir.make()
  const first = await EmbeddedBroker.start({ dataDir: dir.path, log })
  expect(await findRunningBroker(dir.path)).toEqual({ url: first.url })
  await first.stop()
  await first.stop()
  await first.closed
  expect(isAlive(first.pid)).toBe(false)
  expect(await findRunningBroker(dir.path)).toBeNull()

  await using second = await EmbeddedBroker.start({ dataDir: dir.path, log })

  expect(second.url).toBe(first.url)
})

test('a second start on one data directory is refused while the first lives', async () => {
  await using dir = await TempDir.make()
  await using first = await EmbeddedBroker.start({ dataDir: dir.path, log })

  await expect(EmbeddedBroker.start({ dataDir: dir.path, log })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`process ${process.pid} runs the broker of ${dir.path}`),
  })
  await using other = new Program('keeps-a-broker.ts', [dir.path])
  expect((await other.ended).stdout).toContain(`process ${process.pid} runs the broker`)
})

test('the server ends when its parent is killed with -9, and the directory can be started again', async () => {
  await using dir = await TempDir.make()
  await using parent = new Program('keeps-a-broker.ts', [dir.path])
  const { pid } = await startedBy(parent)

  parent.child.kill('SIGKILL')
  await eventually(() => !isAlive(pid))

  await using again = await EmbeddedBroker.start({ dataDir: dir.path, log })
  expect(again.pid).not.toBe(pid)
})

test('a server whose parent and guard were both killed is ended by the next start', async () => {
  await using dir = await TempDir.make()
  await using parent = new Program('keeps-a-broker.ts', [dir.path])
  const { pid, url } = await startedBy(parent)
  process.kill(guardOf(pid), 'SIGKILL')
  parent.child.kill('SIGKILL')
  await parent.ended
  expect(isAlive(pid)).toBe(true)

  await using again = await EmbeddedBroker.start({ dataDir: dir.path, log })

  expect(isAlive(pid)).toBe(false)
  expect(again.url).toBe(url)
})

test.each([0, 40, 60, 80, 100, 120])(
  'a broker that is stopped %i ms after its server died leaves none behind',
  async (waitMs) => {
    await using dir = await TempDir.make()
    const broker = await EmbeddedBroker.start({ dataDir: dir.path, log })
    process.kill(broker.pid, 'SIGKILL')
    await delay(waitMs)

    await broker.stop()
    await broker.closed

    expect(serversOf(dir.path)).toEqual([])
    expect(await findRunningBroker(dir.path)).toBeNull()
  },
)

test('a configured port that is taken is refused with its number and the way out', async () => {
  await using dir = await TempDir.make()
  await using taken = await TakenPort.of(0)

  await expect(
    EmbeddedBroker.start({ dataDir: dir.path, port: taken.port, log }),
  ).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(new RegExp(`port ${taken.port} .*choose another port`)),
  })
})

test('a number that is no port is refused with the range', async () => {
  await using dir = await TempDir.make()

  await expect(
    EmbeddedBroker.start({ dataDir: dir.path, port: 99_999, log }),
  ).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringMatching(/port 99999 .*1024 to 65535/),
  })
})

test('a remembered port that is taken is replaced, and every identity learns the new one', async () => {
  await using dir = await TempDir.make()
  const store = await CredentialStore.open(dir.path)
  const before = await store.add('agent', 'agent-a')
  await using taken = await TakenPort.of(Number(new URL(before.servers[0] ?? '').port))

  await using broker = await EmbeddedBroker.start({ dataDir: dir.path, log })

  const after = await store.show('agent', 'agent-a')
  expect(after).toEqual({ ...before, servers: [broker.url] })
  expect(after.servers).not.toEqual(before.servers)
  await (await connect(clientOptions(after))).close()
})

test('a server that cannot start tells what it said', async () => {
  await using dir = await TempDir.make()
  const first = await EmbeddedBroker.start({ dataDir: dir.path, log })
  await first.stop()
  await writeFile(
    join(dir.path, 'program'),
    '#!/bin/sh\n[ "$1" = --version ] && echo v2.9.10 || { echo no luck >&2; exit 3; }\n',
    { mode: 0o700 },
  )

  await expect(
    EmbeddedBroker.start({ dataDir: dir.path, binary: join(dir.path, 'program'), log }),
  ).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('exit code 3: no luck'),
  })
  await using again = await EmbeddedBroker.start({ dataDir: dir.path, log })
})

test('a server that gives up while starting is told by the last fault in its log', async () => {
  await using dir = await TempDir.make()
  await (await EmbeddedBroker.start({ dataDir: dir.path, log })).stop()
  await rm(join(dir.path, 'broker', 'jetstream'), { recursive: true })
  await writeFile(join(dir.path, 'broker', 'jetstream'), 'a file where a folder should be')

  await expect(EmbeddedBroker.start({ dataDir: dir.path, log })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/exited during its start \(.*jetstream.*nats-server\.log/is),
  })
})

test('closed rejects when the server cannot be started again', async () => {
  await using dir = await TempDir.make()
  await using broker = await EmbeddedBroker.start({ dataDir: dir.path, restartAttempts: 3, log })
  await writeFile(join(dir.path, 'broker', 'nats-server.conf'), 'not a configuration {')
  process.kill(broker.pid, 'SIGKILL')

  await expect(broker.closed).rejects.toMatchObject({ code: 'unavailable' })
})

test('the log of the server is kept in the data directory', async () => {
  await using dir = await TempDir.make()
  await using broker = await EmbeddedBroker.start({ dataDir: dir.path, log })

  const text = await readFile(join(dir.path, 'broker', 'nats-server.log'), 'utf8')
  expect(text).toContain('Server is ready')
})

async function startedBy(parent: Program): Promise<{ pid: number; url: string }> {
  const line = await eventually(() => parent.stdout.split('\n')[0] || undefined)
  return JSON.parse(line) as { pid: number; url: string }
}

/** The process that watches the parent for this server. */
function guardOf(pid: number): number {
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n')
  const line = lines.find((text) => text.trim().endsWith(`centralpost-guard ${pid}`))
  return Number(line?.trim().split(' ')[0])
}

function serversOf(dataDir: string): string[] {
  const lines = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n')
  return lines.filter((line) => line.includes(`--config ${dataDir}`))
}

function isAlive(pid: number): boolean {
  const state = execFileSync('sh', ['-c', `ps -o stat= -p ${pid} || true`], { encoding: 'utf8' })
  return state.trim() !== '' && !state.startsWith('Z')
}

class TakenPort {
  readonly #server: Server
  readonly port: number

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
  }

  static of(port: number): Promise<TakenPort> {
    return new Promise((resolve, reject) => {
      const server = createServer().once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        const address = server.address()
        resolve(new TakenPort(server, typeof address === 'object' ? (address?.port ?? 0) : 0))
      })
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
  }
}

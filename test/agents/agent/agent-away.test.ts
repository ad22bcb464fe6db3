import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { Agent } from '@centralpost/agents'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'

/** A wire between an agent and the broker that can be cut. */
class Wire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(brokerPort: number) {
    this.#server = createServer((near) => {
      const far = connect(brokerPort, '127.0.0.1')
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.once('close', () => {
          near.destroy()
          far.destroy()
          this.#sockets.delete(socket)
        })
      }
      if (this.#isCut) near.destroy()
      else near.pipe(far).pipe(near)
    })
  }

  static async to(url: string): Promise<Wire> {
    const wire = new Wire(Number(new URL(url).port))
    await new Promise<void>((resolve) => {
      wire.#server.listen(0, '127.0.0.1', resolve)
    })
    return wire
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#isCut = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }
}

test('an agent that was cut off gets the result that was published meanwhile', async () => {
  await using it = await TestHub.start()
  const alice = await it.operator('alice')
  await using wire = await Wire.to(it.broker.url)
  const credentials = { ...(await it.broker.credentials('agent', 'agent-a')), servers: [wire.url] }
  await using agent = await Agent.connect({ name: 'agent-a', credentials })

  const action = await agent.requestAction('echo begun; sleep 0.5; echo done')
  await eventually(async () => (await alice.result(action.actionId)).state === 'running')
  wire.cut()
  const missed = await eventually(
    async () => (await alice.result(action.actionId)).result ?? undefined,
  )
  await expect(action.result({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'unavailable' })
  wire.mend()

  expect(await action.result({ timeoutMs: 10_000 })).toEqual(missed)
  for await (const chunk of action.output) expect(chunk.data).toBe('begun\n')
})

test('a request made while cut off is stored once the wire is there again', async () => {
  await using it = await TestHub.start()
  await using wire = await Wire.to(it.broker.url)
  const credentials = { ...(await it.broker.credentials('agent', 'agent-a')), servers: [wire.url] }
  await using agent = await Agent.connect({ name: 'agent-a', credentials })
  wire.cut()
  const asking = agent.requestAction('echo at last')
  const tooSoon = agent.requestAction('echo never', { timeoutMs: 200 })
  await expect(tooSoon).rejects.toMatchObject({ code: 'unavailable' })
  wire.mend()
  const action = await asking
  expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({ stdout: 'at last\n' })
})

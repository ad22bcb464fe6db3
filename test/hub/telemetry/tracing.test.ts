import { gunzipSync } from 'node:zlib'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Agent } from '@centralpost/agents'
import { openTracing } from '@centralpost/shared'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'

interface SentSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { key: string; value: Record<string, unknown> }[]
  readonly status: { readonly code?: number }
}

/** A real OTLP/HTTP receiver. */
class Receiver {
  readonly spans: SentSpan[] = []
  readonly bodies: string[] = []
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const sent = Buffer.concat(chunks)
      const zipped = request.headers['content-encoding'] === 'gzip'
      const body = (zipped ? gunzipSync(sent) : sent).toString('utf8')
      this.bodies.push(body)
      const { resourceSpans } = JSON.parse(body) as {
        resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[]
      }
      for (const { scopeSpans } of resourceSpans) {
        for (const { spans } of scopeSpans) this.spans.push(...spans)
      }
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })

  async start(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.listen(0, '127.0.0.1', resolve)
    await promise
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  named(name: string, traceId: string): SentSpan | undefined {
    return this.spans.find((span) => span.name === name && span.traceId === traceId)
  }
}

const receiver = new Receiver()
let it: TestHub
let endpoint: string

beforeAll(async () => {
  endpoint = await receiver.start()
  it = await TestHub.start({ config: { tracing: { enabled: true, endpoint } } })
})

afterAll(async () => {
  await it[Symbol.asyncDispose]()
  receiver.stop()
})

const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${traceId}-b7ad6b7169203331-01`

describe('the trace of an action', () => {
  test('goes from its agent to the published result, in one trace', async () => {
    const tracing = await openTracing({ service: 'an-agent', version: '1', endpoint })
    const agent = await Agent.connect({
      name: 'agent-a',
      credentials: await it.broker.credentials('agent', 'agent-a'),
      tracing,
    })
    const alice = await it.operator('alice')
    const action = await agent.requestAction(
      { command: 'touch very-secret-name', cwd: it.workspace },
      { trace: { traceparent } },
    )
    await eventually(async () => (await alice.pending()).length === 1)
    await alice.approve(action.actionId)
    await action.result()
    await agent.close()
    await tracing.close()

    const published = await eventually(() => receiver.named('publish result', traceId))
    const asked = receiver.named('request action', traceId)
    const intake = receiver.named('intake', traceId)
    expect(asked?.parentSpanId).toBe('b7ad6b7169203331')
    expect(intake?.parentSpanId).toBe(asked?.spanId)
    const names = ['approval wait', 'queue wait', 'execute', 'record result', 'publish result']
    const spans = names.map((name) => receiver.named(name, traceId))
    for (const span of spans) {
      expect(span?.parentSpanId).toBe(intake?.spanId)
      expect(BigInt(span?.endTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(
        BigInt(span?.startTimeUnixNano ?? 1),
      )
    }
    expect(published.attributes).toContainEqual({
      key: 'centralpost.status',
      value: { stringValue: 'completed' },
    })
    // the text of a command may hold secrets
    expect(receiver.bodies.join('')).not.toContain('very-secret-name')
  })

  test('begins at the hub where the agent has none, or sends nonsense', async () => {
    const agent = await it.agent('agent-b')
    const nonsense = { traceparent: `00-${'z'.repeat(32)}-1-01` }
    for (const options of [{}, { trace: nonsense }]) {
      const action = await agent.requestAction({ command: 'ls', cwd: it.workspace }, options)
      expect((await action.result()).status).toBe('completed')
    }
    await eventually(
      () =>
        receiver.spans.filter(({ name, traceId: id }) => name === 'execute' && id !== traceId)
          .length === 2,
    )
  })

  test('says what failed, and that a refused one was never run', async () => {
    const agent = await it.agent('agent-b')
    const failed = '1af7651916cd43dd8448eb211c80319c'
    const trace = { traceparent: `00-${failed}-b7ad6b7169203331-01` }
    await (await agent.requestAction({ command: 'false', cwd: it.workspace }, { trace })).result()
    const run = await eventually(() => receiver.named('execute', failed))
    expect(run.status.code).toBe(2)
    const refused = '2af7651916cd43dd8448eb211c80319c'
    const other = { traceparent: `00-${refused}-b7ad6b7169203331-01` }
    await (
      await agent.requestAction({ command: 'rm -rf /', cwd: it.workspace }, { trace: other })
    ).result()
    await eventually(() => receiver.named('publish result', refused))
    expect(receiver.named('execute', refused)).toBeUndefined()
  })

  test('is not put into the environment of its command', async () => {
    const agent = await it.agent('agent-b')
    const asked = { command: 'env', cwd: it.workspace }
    const alice = await it.operator('alice')
    const action = await agent.requestAction(asked, { trace: { traceparent } })
    await eventually(async () => (await alice.pending()).length === 1)
    await alice.approve(action.actionId)
    const result = await action.result()
    expect(result.status).toBe('completed')
    expect(result.stdout.toLowerCase()).not.toContain('traceparent')
  })
})

test('a receiver that is away costs no action and no stop of the hub', async () => {
  const config = { tracing: { enabled: true, endpoint: 'http://127.0.0.1:1' } }
  await using other = await TestHub.start({ config })
  const agent = await other.agent()
  const action = await agent.requestAction({ command: 'ls', cwd: other.workspace })
  expect((await action.result()).status).toBe('completed')
  await other.stopHub()
})

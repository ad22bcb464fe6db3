import { get } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Agent, Operator } from '@centralpost/agents'
import { HubMetrics } from '#hub/telemetry/hub-metrics.ts'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'

let it: TestHub
let agent: Agent
let alice: Operator
let url: string

beforeAll(async () => {
  it = await TestHub.start({ config: { metrics: { port: 0 } } })
  agent = await it.agent('agent-a')
  alice = await it.operator('alice')
  const line = it.log.lines.find(({ message }) => message === 'serving metrics')
  url = String(line?.fields['url'])
})

afterAll(async () => {
  await it[Symbol.asyncDispose]()
})

async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(url)
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
  const lines = (await response.text()).split('\n').filter((line) => /^[a-z]/.test(line))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

const run = async (command: string) =>
  (await agent.requestAction({ command, cwd: it.workspace })).result()

describe('the metrics of a hub', () => {
  test('count requests, verdicts, results and durations, and tell how it stands', async () => {
    await run('ls')
    await run('false')
    await run('rm -rf /')
    const waiting = await agent.requestAction({ command: 'touch x', cwd: it.workspace })
    await eventually(async () => (await alice.pending()).length === 1)
    const seen = await scrape()
    expect(seen.get('centralpost_requests_total{level="SAFE"}')).toBe(2)
    expect(seen.get('centralpost_requests_total{level="BLOCKED"}')).toBe(1)
    expect(seen.get('centralpost_requests_total{level="REVIEW"}')).toBe(1)
    expect(seen.get('centralpost_results_total{status="completed",error_category="none"}')).toBe(1)
    expect(seen.get('centralpost_results_total{status="failed",error_category="runtime"}')).toBe(1)
    expect(seen.get('centralpost_results_total{status="denied",error_category="none"}')).toBe(1)
    expect(seen.get('centralpost_command_duration_seconds_count{status="completed"}')).toBe(1)
    expect(seen.get('centralpost_pending_approvals')).toBe(1)
    expect(seen.get('centralpost_oldest_pending_approval_age_seconds')).toBeGreaterThan(0)
    expect(seen.get('centralpost_broker_connected')).toBe(1)
    expect(seen.get('centralpost_database_up')).toBe(1)
    expect(seen.get('centralpost_run_slots')).toBe(4)
    expect(seen.get('centralpost_queued_actions')).toBe(0)
    expect(seen.get('centralpost_unpublished_results')).toBe(0)
    expect(seen.has('nodejs_eventloop_lag_p99_seconds')).toBe(true)
    await alice.approve(waiting.actionId)
    await waiting.result()
    const after = await scrape()
    expect(after.get('centralpost_approval_wait_seconds_count{decision="approved"}')).toBe(1)
    expect(after.get('centralpost_oldest_pending_approval_age_seconds')).toBe(0)
  })

  test('carry no text that an agent can choose', async () => {
    await run('echo very-secret-text; ls /very-secret-place')
    const text = await (await fetch(url)).text()
    expect(text).not.toContain('secret')
    expect(text).toContain('agent="agent-a"')
  })

  test('tell when the broker is away', async () => {
    await it.broker.kill9()
    await eventually(async () => (await scrape()).get('centralpost_broker_connected') === 0)
    await it.broker.isBack()
    const connected = await eventually(async () => {
      const value = (await scrape()).get('centralpost_broker_connected')
      return value === 1 && value
    })
    expect(connected).toBe(1)
  })

  test.each([
    ['a name that was bent to loopback', '/metrics', 'evil.example:80', 403],
    ['another path', '/', '127.0.0.1', 404],
  ])('are not told for %s', async (_, path, host, status) => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    get(new URL(path, url), { headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    expect(await promise).toBe(status)
  })

  test('cannot be written to', async () => {
    expect((await fetch(url, { method: 'POST' })).status).toBe(405)
  })
})

test('a port that is taken is said with the way out', async () => {
  const port = Number(new URL(url).port)
  await expect(TestHub.start({ config: { metrics: { port } } })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/metrics.*choose another metrics.port/),
  })
})

test('a thousand agents are at most fifty series and one for the others', async () => {
  const metrics = new HubMetrics({
    status: () => Promise.reject(new Error('the database is locked')),
    oldestPending: () => Promise.resolve(null),
    isBrokerConnected: () => true,
    now: Date.now,
  })
  for (let nth = 0; nth < 1000; nth += 1) {
    metrics.takenIn({
      executionId: nth,
      agentId: `agent-${nth}`,
      actionId: 'a',
      command: 'ls',
      level: 'SAFE',
      state: 'queued',
      at: 0,
    })
  }
  const { body } = await metrics.text()
  expect(body.match(/centralpost_agent_requests_total\{/g)).toHaveLength(51)
  expect(body).toContain('centralpost_agent_requests_total{agent="_other"} 950')
  expect(body).toContain('centralpost_database_up 0')
})

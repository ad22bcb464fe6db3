import { createHmac } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { type NoticeDelivery } from '#agents/notify/notice.ts'
import { Webhook, type WebhookOptions } from '#agents/notify/webhook.ts'
import { askedFor } from '../../support/asked.ts'
import { eventually } from '../../support/eventually.ts'
import { HttpServer } from '../../support/http-server.ts'

function hook(url: string, more: Partial<WebhookOptions> = {}) {
  const told: NoticeDelivery[] = []
  const it = new Webhook({ url, told: (one) => told.push(one), firstWaitMs: 10, ...more })
  return { it, told, [Symbol.asyncDispose]: () => it[Symbol.asyncDispose]() }
}

test('an approval request is posted as signed JSON, without the values of variables', async () => {
  await using server = await HttpServer.start()
  await using to = hook(server.url, { secret: 'key' })
  to.it.push(askedFor('mkdir x \u202e', { env: { TOKEN: 'hunter2' }, context: 'why' }))
  await eventually(() => to.told.length === 1)
  const [posted] = server.posted
  expect(posted?.method).toBe('POST')
  expect(JSON.parse(posted?.body ?? '')).toMatchObject({
    schema: 1,
    event: 'approval_needed',
    command: 'mkdir x \u202e',
    text: String.raw`agent-a asks, at a low risk: mkdir x \u{202e}` + '\nwhy',
  })
  expect(posted?.body).not.toContain('hunter2')
  const [, at = '', mac = ''] =
    /^t=(\d+),v1=([0-9a-f]+)$/.exec(String(posted?.headers['x-centralpost-signature'])) ?? []
  expect(mac).toBe(createHmac('sha256', 'key').update(`${at}.${posted?.body}`).digest('hex'))
  expect(to.told).toMatchObject([{ isDelivered: true, attempts: 1 }])
})

test('a server that fails is tried again, under the same delivery name', async () => {
  await using server = await HttpServer.start((response, _, nth) => {
    response.writeHead(nth < 3 ? 503 : 200).end()
  })
  await using to = hook(server.url)
  to.it.push(askedFor('true'))
  await eventually(() => to.told.length === 1)
  expect(to.told).toMatchObject([{ isDelivered: true, attempts: 3 }])
  expect(new Set(server.posted.map(({ headers }) => headers['x-centralpost-delivery'])).size).toBe(
    1,
  )
})

test('a server that hangs is left after the time limit, and does not hold up the others for ever', async () => {
  await using server = await HttpServer.start((response, { body }) => {
    if (!body.includes('hangs')) response.writeHead(200).end()
  })
  await using to = hook(server.url, { timeoutMs: 100 })
  to.it.push(askedFor('hangs', { expires_at: new Date(Date.now() + 50).toISOString() }))
  to.it.push(askedFor('goes'))
  await eventually(() => to.told.length === 2)
  expect(to.told).toContainEqual(expect.objectContaining({ isDelivered: true }))
  expect(to.told).toContainEqual(
    expect.objectContaining({ isDelivered: false, problem: expect.stringMatching(/no answer/) }),
  )
})

test.each([
  [404, 'answered 404'],
  [302, 'answered 302; a redirect is not followed'],
])('an answer of %d is not tried again, and goes nowhere else', async (status, problem) => {
  await using other = await HttpServer.start()
  await using server = await HttpServer.start((response) => {
    response.writeHead(status, { location: other.url }).end()
  })
  await using to = hook(server.url)
  to.it.push(askedFor('true'))
  await eventually(() => to.told.length === 1)
  expect(to.told).toMatchObject([{ isDelivered: false, attempts: 1, problem }])
  expect(other.posted).toEqual([])
})

test('what was decided meanwhile is not told any more', async () => {
  await using server = await HttpServer.start((response) => void response.writeHead(500).end())
  await using to = hook(server.url, { firstWaitMs: 50 })
  const asked = askedFor('true')
  to.it.push(asked)
  await eventually(() => server.posted.length > 0)
  to.it.drop(asked)
  await delay(100)
  const before = server.posted.length
  await delay(300)
  expect(server.posted.length).toBe(before)
})

test('the queue is bounded: the oldest is given up and said', async () => {
  await using server = await HttpServer.start(() => {})
  await using to = hook(server.url, { mostWaiting: 5 })
  for (let nth = 0; nth < 20; nth += 1) to.it.push(askedFor(`true ${nth}`))
  await eventually(() => to.told.length >= 10)
  expect(to.told[0]).toMatchObject({
    isDelivered: false,
    problem: 'more than 5 deliveries are queued',
  })
})

test.each(['ftp://127.0.0.1/', 'not an address', 'http://user:pass@127.0.0.1/'])(
  '%s is refused as an address',
  (url) => {
    expect(() => hook(url)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
  },
)

test('an address that nobody listens at is tried until the request has expired', async () => {
  const server = await HttpServer.start()
  const { url } = server
  await server[Symbol.asyncDispose]()
  await using to = hook(url)
  to.it.push(askedFor('true', { expires_at: new Date(Date.now() + 2000).toISOString() }))
  await eventually(() => to.told.length === 1)
  expect(to.told[0]?.problem).toMatch(/ECONNREFUSED/)
  expect(to.told[0]?.attempts).toBeGreaterThan(1)
})

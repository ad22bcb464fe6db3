import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Agent } from '@centralpost/agents'
import { connect, type NatsConnection } from 'nats'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'
import { clientOptions } from '../support/nats-server.ts'

const page = new URL('../../docs/nats-clients.md', import.meta.url)

let it: TestHub
let builder: Agent
let alice: NatsConnection

beforeAll(async () => {
  it = await TestHub.start({ agents: ['builder'], operators: ['alice'] })
  builder = await it.agent('builder')
  alice = await connect(clientOptions(await it.broker.credentials('operator', 'alice')))
})

afterAll(async () => {
  await alice.close()
  await it[Symbol.asyncDispose]()
})

interface Answer {
  readonly schema: number
  readonly error?: { readonly code: string; readonly message: string }
  readonly pending?: readonly { readonly digest: string }[]
}

async function ask(subject: string, payload: string): Promise<Answer> {
  const answer = await alice.request(subject, payload, { timeout: 10_000 })
  const body = answer.json<Answer>()
  expect(body.schema).toBe(1)
  expect(answer.headers?.has('Nats-Service-Error-Code') ?? false).toBe(body.error !== undefined)
  return body
}

/** An action in the state that a documented call is about. */
async function actionFor(endpoint: string): Promise<string> {
  const isDecision = ['approve', 'deny', 'cancel'].includes(endpoint)
  const action = await builder.requestAction({
    command: isDecision ? `touch ${Math.random()}` : 'ls',
    cwd: it.workspace,
  })
  if (isDecision) {
    await eventually(async () => (await builder.getAction(action.actionId)).state === 'pending')
  } else await action.result()
  return action.actionId
}

test('every `nats req` of the page is answered by a hub', async () => {
  const text = await readFile(page, 'utf8')
  const calls = [...text.matchAll(/`nats req (CENTRAL_POST\.operator\.alice\.(\w+)) '(.+?)'`/g)]
  expect(calls.length).toBeGreaterThan(12)
  for (const [, subject = '', endpoint = '', payload = ''] of calls) {
    const actionId = payload.includes('"ID"') ? await actionFor(endpoint) : 'none'
    const { pending = [] } = await ask('CENTRAL_POST.operator.alice.pending', '{}')
    const filled = payload.replace('ID', actionId).replace('DIGEST', pending.at(-1)?.digest ?? '')
    expect({ payload, error: (await ask(subject, filled)).error }).toEqual({ payload })
  }
})

test('every `nats sub` of the page is allowed, and hears what it says', async () => {
  const text = await readFile(page, 'utf8')
  const subjects = [...text.matchAll(/`nats sub '([A-Z_]+\..+?)'`/g)].map(
    ([, subject = '']) => subject,
  )
  expect(subjects.length).toBeGreaterThanOrEqual(6)
  const heard = new Set<string>()
  const refused: unknown[] = []
  for (const subject of subjects) {
    alice.subscribe(subject.replace('ID', '*'), {
      callback: (error) => {
        if (error) refused.push(error)
        else heard.add(subject)
      },
    })
  }
  await alice.flush()
  await (await builder.requestAction({ command: 'echo out', cwd: it.workspace })).result()
  await (await builder.requestAction({ command: 'rm -rf /', cwd: it.workspace })).result()
  await builder.requestAction({ command: 'touch waits', cwd: it.workspace })
  const ruled = await builder.requestAction({ command: 'touch ruled', cwd: it.workspace })
  const always = JSON.stringify({ action_id: ruled.actionId, decision: 'approve_always_exact' })
  await eventually(
    async () => (await ask('CENTRAL_POST.operator.alice.approve', always)).error === undefined,
  )
  await eventually(() => heard.size === subjects.length)
  expect(refused).toEqual([])
})

test('a decision that came too late is a conflict that says who decided', async () => {
  const actionId = await actionFor('deny')
  const call = JSON.stringify({ action_id: actionId, reason: 'no' })
  await ask('CENTRAL_POST.operator.alice.deny', call)
  const { error } = await ask('CENTRAL_POST.operator.alice.deny', call)
  expect(error).toMatchObject({ code: 'conflict', details: { decided_by: 'alice' } })
})

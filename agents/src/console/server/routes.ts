import {
  acceptCallSchema,
  type ActionRequest,
  actionRequestSchema,
  CentralPostError,
  check,
} from '@centralpost/shared'
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import type { Agent } from '../../agent/agent.ts'
import { approveManySchema, cancelSchema, Decisions, denyManySchema } from './decisions.ts'
import { Downloads, downloadSchema } from './downloads.ts'
import { FeedStreams } from './feed-streams.ts'
import type { ConsoleEnv } from './guard.ts'
import { type Question, questions } from './questions.ts'
import type { RouteParts } from './route-parts.ts'

const watchSchema = z.strictObject({
  feed: z.string().max(64),
  action: z
    .strictObject({ agent_id: z.string().max(64), action_id: z.string().max(64) })
    .nullable(),
})

/** Adds the routes of a signed-in page. Returns a function that ends the streams. */
export function addRoutes(app: Hono<ConsoleEnv>, parts: RouteParts): () => void {
  const { operator, agent, log } = parts
  const decisions = new Decisions(operator, log)
  const downloads = new Downloads(operator)
  const streams = new FeedStreams(parts)

  app.get('/api/events', (c) => streams.open(c))
  app.post('/api/watch', async (c) => {
    const { feed, action } = await bodyOf(c, watchSchema)
    streams.watch(feed, action)
    return c.json({})
  })
  for (const [name, question] of Object.entries(questions)) {
    const { call, reply, timeoutMs = 10_000 }: Question = question
    const endpoint = name as keyof typeof questions
    app.post(`/api/${name}`, async (c) => {
      const asked = (await bodyOf(c, call)) as object
      return c.json((await operator.ask(endpoint, asked, reply, { timeoutMs })) as object)
    })
  }
  app.post('/api/approve', async (c) =>
    c.json({ outcomes: await decisions.approve(await bodyOf(c, approveManySchema)) }),
  )
  app.post('/api/deny', async (c) =>
    c.json({ outcomes: await decisions.deny(await bodyOf(c, denyManySchema)) }),
  )
  app.post('/api/accept', async (c) =>
    c.json(await decisions.accept(await bodyOf(c, acceptCallSchema))),
  )
  app.post('/api/cancel', async (c) =>
    c.json(await decisions.cancel(await bodyOf(c, cancelSchema))),
  )
  app.post('/api/request', async (c) => {
    const request = await bodyOf(c, actionRequestSchema)
    if (agent === null) throw noAgent(operator.name)
    const { actionId } = await agent.requestAction(askedOf(request))
    log.info('request from the page', { agentId: agent.name, actionId })
    return c.json({ agent_id: agent.name, action_id: actionId })
  })
  app.post('/api/downloads', async (c) =>
    c.json({ ticket: downloads.ticketFor(await bodyOf(c, downloadSchema)) }),
  )
  // outside /api/: a link sends the cookie and its ticket, and nothing else
  app.get('/downloads/:ticket', (c) => {
    const { name, type, parts: text } = downloads.open(c.req.param('ticket'))
    const body = ReadableStream.from(encoded(text)) as ReadableStream<Uint8Array<ArrayBuffer>>
    return c.body(body, 200, {
      'content-type': `${type}; charset=utf-8`,
      'content-disposition': `attachment; filename="${name}"`,
    })
  })
  return () => streams.closeAll()
}

async function bodyOf<T extends z.ZodType>(c: Context, schema: T): Promise<z.output<T>> {
  let body: unknown
  try {
    body = await c.req.json()
  } catch (error) {
    throw new CentralPostError('invalid_request', 'the body is not JSON', { cause: error })
  }
  return check(schema, body)
}

function askedOf(request: ActionRequest): Parameters<Agent['requestAction']>[0] {
  const { command, argv, action_id, workflow_id, context, cwd, env, timeout } = request
  return {
    agentType: 'operator',
    ...(command !== undefined && { command }),
    ...(argv !== undefined && { argv }),
    ...(action_id !== undefined && { actionId: action_id }),
    ...(workflow_id !== undefined && { workflowId: workflow_id }),
    ...(context !== undefined && { context }),
    ...(cwd !== undefined && { cwd }),
    ...(env !== undefined && { env }),
    ...(timeout !== undefined && { timeoutSeconds: timeout }),
  }
}

function noAgent(operator: string): CentralPostError {
  const name = `operator-${operator}`
  return new CentralPostError(
    'forbidden',
    `no credentials for the agent "${name}", which requests the commands you type: centralpost credentials add agent ${name}, then start the console again`,
  )
}

async function* encoded(parts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const part of parts) yield encoder.encode(part)
}

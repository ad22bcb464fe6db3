import { setTimeout as delay } from 'node:timers/promises'
import { Agent } from '@centralpost/agents'
import {
  type ActionResult,
  isCentralPostError,
  requestSubject,
  resultSubject,
  startSubject,
  subjectToken,
} from '@centralpost/shared'
import { connect, type NatsConnection } from 'nats'
import { clientOptions } from '../../support/nats-server.ts'
import { Dice } from './dice.ts'
import type { Heard, Sent } from './evidence.ts'
import { classOfId, commandOf, drawClass, idOfClass } from './requests.ts'
import type { World } from './world.ts'

const pauseMs = [40, 150] as const

/** One agent of a round: asks for what the dice say over a bare connection, and counts every copy that it hears. */
export class LoadingAgent {
  readonly sent: Sent[] = []
  readonly heard: Heard[] = []
  readonly #world: World
  readonly #name: string
  readonly #dice: Dice
  readonly #bare: NatsConnection
  readonly #client: Agent
  readonly #later: Promise<void>[] = []

  private constructor(
    world: World,
    name: string,
    bare: NatsConnection,
    client: Agent,
    seed: number,
  ) {
    this.#world = world
    this.#name = name
    this.#bare = bare
    this.#client = client
    this.#dice = new Dice(seed, name)
  }

  static async connect(world: World, name: string, seed: number, opened: AsyncDisposableStack) {
    const credentials = await world.broker.credentials('agent', name)
    const bare = await connect({ ...clientOptions(credentials), maxReconnectAttempts: -1 })
    opened.defer(() => bare.close())
    const client = opened.use(await Agent.connect({ name, credentials }))
    const it = new LoadingAgent(world, name, bare, client, seed)
    bare.subscribe(resultSubject(name, '*'), {
      callback: (error, message) => {
        if (error !== null) return
        const { status, execution_id } = JSON.parse(message.string()) as ActionResult
        const actionId = subjectToken(message.subject, 2)
        it.heard.push({ agentId: name, actionId, executionId: execution_id, status })
      },
    })
    bare.subscribe(startSubject(name, '*'), {
      callback: (_error, message) => {
        const actionId = subjectToken(message.subject, 2)
        if (classOfId(actionId) === 'cancelled-running') it.#doLater(() => it.#cancel(actionId))
      },
    })
    await bare.flush()
    return it
  }

  /** Asks for one action after the other until the round's clock says so. */
  async ask(untilMs: number): Promise<void> {
    for (let n = 0; this.#world.now < untilMs; n += 1) {
      const which = drawClass(this.#dice)
      const actionId = idOfClass(which, this.#name, n)
      const command = commandOf(which, actionId)
      const one: Sent = {
        actionId,
        agentId: this.#name,
        class: which,
        command,
        published: 0,
        confirmedAt: null,
        isReused: false,
        told: null,
      }
      this.sent.push(one)
      const request = {
        schema: 1,
        action_id: actionId,
        command,
        ...(which === 'malformed' && { timeout: -1 }),
        ...(which === 'expiring' && { expires_at: new Date(Date.now() + 1500).toISOString() }),
      }
      const fate = this.#dice.next()
      const laterMs = this.#dice.between(0, 1500)
      const pause = this.#dice.between(...pauseMs)
      this.#doLater(async () => {
        await this.#publish(one, request)
        if (fate >= 0.08 || which === 'malformed') return
        await delay(laterMs)
        one.isReused = fate < 0.02
        await this.#publish(
          one,
          one.isReused ? { ...request, command: `touch other_${actionId}` } : request,
        )
      })
      if (n % 25 === 24) this.#bare.publish(requestSubject(this.#name), 'this is no request')
      await delay(pause)
    }
  }

  /** Resolves when every request is confirmed, and what was to be repeated or cancelled has been. */
  async settled(): Promise<void> {
    while (this.#later.length > 0) await Promise.all(this.#later.splice(0))
  }

  /** Asks once for everything that is confirmed and of which no end is known. @returns what has none yet */
  async askForEnds(): Promise<Sent[]> {
    const unknown = this.sent.filter(
      ({ confirmedAt, told }) =>
        confirmedAt !== null && (told === null || told.executionId === null),
    )
    for (const batch of chunks(unknown, 16)) {
      await Promise.all(batch.map((one) => this.#askFor(one)))
    }
    return unknown.filter(({ told }) => told === null || told.executionId === null)
  }

  async #askFor(one: Sent): Promise<void> {
    try {
      const { state, result } = await this.#client.getAction(one.actionId)
      one.told = { state, executionId: result?.execution_id ?? null }
    } catch (error) {
      // not taken in yet, or no hub answers: it is asked again
      if (!isCentralPostError(error)) throw error
    }
  }

  #doLater(work: () => Promise<void>): void {
    this.#later.push(work())
  }

  /** Every try counts: each may have been stored, although its confirmation was lost. */
  async #publish(one: Sent, request: object): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      try {
        one.published += 1
        const answer = await this.#bare.request(
          requestSubject(this.#name),
          JSON.stringify(request),
          { timeout: 2000 },
        )
        const { error } = JSON.parse(answer.string()) as { error?: object }
        if (error === undefined) {
          one.confirmedAt ??= this.#world.now
          return
        }
      } catch {
        // the broker is away
      }
      await delay(150)
    }
  }

  async #cancel(actionId: string): Promise<void> {
    for (let tries = 0; tries < 20; tries += 1) {
      try {
        await this.#client.cancelAction(actionId)
        return
      } catch (error) {
        if (isCentralPostError(error) && error.code === 'conflict') return
        await delay(150)
      }
    }
  }
}

function* chunks<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
}

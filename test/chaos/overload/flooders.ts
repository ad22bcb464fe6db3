import { setTimeout as delay } from 'node:timers/promises'
import { type ActionResult, requestSubject, resultSubject } from '@centralpost/shared'
import { connect, type ConnectionOptions, type NatsConnection } from 'nats'

// A process of agents that ask for more than they may, so that what it costs to ask is not paid by who measures.

/** To this process: who they are, at first; then whether they ask. */
export type ToFlooders =
  | { readonly kind: 'who'; readonly agents: readonly (readonly [string, ConnectionOptions])[] }
  | { readonly kind: 'ask' | 'rest' }

/** From this process: what they were told up to now. */
export interface Flooded {
  /** whether all they have asked for is confirmed or refused, and nothing more comes */
  readonly isResting: boolean
  readonly refusedByHub: number
  /** of these, those that do not say when to come again */
  readonly withoutTime: number
  /** how many agents the broker has refused something since they began to ask */
  readonly atQuota: number
}

const perAgent = 20

let refusedByHub = 0
let withoutTime = 0
let asking: AbortController | undefined
const atQuota = new Set<string>()
let loops: Promise<void>[] = []
let round = 0
const agents = new Map<string, NatsConnection>()

function tell(isResting: boolean): void {
  const told: Flooded = { isResting, refusedByHub, withoutTime, atQuota: atQuota.size }
  process.send?.(told)
}

async function open(name: string, options: ConnectionOptions): Promise<void> {
  const connection = await connect(options)
  connection.subscribe(resultSubject(name, '*'), {
    callback: (_error, message) => {
      const result = JSON.parse(message.string()) as ActionResult
      if (result.status !== 'rejected') return
      refusedByHub += 1
      if (!((result.retry_after ?? 0) >= 1)) withoutTime += 1
    },
  })
  agents.set(name, connection)
}

async function flood(
  name: string,
  connection: NatsConnection,
  loop: string,
  signal: AbortSignal,
): Promise<void> {
  for (let n = 0; !signal.aborted; n += 1) {
    const request = { schema: 1, action_id: `${loop}-${n}`, command: `echo ${name} ${n}` }
    const answer = await connection.request(requestSubject(name), JSON.stringify(request), {
      timeout: 30_000,
    })
    if (!answer.string().includes('"error"')) continue
    atQuota.add(name)
    await delay(20)
  }
}

async function receive(message: ToFlooders): Promise<void> {
  if (message.kind === 'who') {
    await Promise.all(message.agents.map(([name, options]) => open(name, options)))
    tell(true)
  } else if (message.kind === 'ask') {
    asking = new AbortController()
    const { signal } = asking
    atQuota.clear()
    round += 1
    loops = [...agents].flatMap(([name, connection]) =>
      Array.from({ length: perAgent }, (_, n) => flood(name, connection, `${round}-${n}`, signal)),
    )
  } else {
    asking?.abort()
    asking = undefined
    await Promise.all(loops)
    await Promise.all([...agents.values()].map((connection) => connection.flush()))
    tell(true)
  }
}

process.on('message', (message) => void receive(message as ToFlooders))
process.once('disconnect', () => process.exit())
setInterval(() => {
  if (asking !== undefined) tell(false)
}, 100)

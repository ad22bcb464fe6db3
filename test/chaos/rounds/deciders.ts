import { setTimeout as delay } from 'node:timers/promises'
import { Operator } from '@centralpost/agents'
import type { ApprovalNeeded } from '@centralpost/shared'
import { classOfId } from './requests.ts'
import { operatorNames, type World } from './world.ts'

/** Operators that race each other over every decision, each as the action's id says it should be. */
export class Deciders {
  readonly operators: readonly Operator[]
  readonly #isOver = new AbortController()
  readonly #loops: readonly Promise<void>[]

  private constructor(operators: readonly Operator[]) {
    this.operators = operators
    this.#loops = operators.map((operator) => this.#decide(operator))
  }

  static async connect(world: World, opened: AsyncDisposableStack): Promise<Deciders> {
    const operators = await Promise.all(
      operatorNames.map(async (name) =>
        opened.use(
          await Operator.connect({
            name,
            credentials: await world.broker.credentials('operator', name),
          }),
        ),
      ),
    )
    const it = new Deciders(operators)
    opened.defer(() => it.stop())
    return it
  }

  async stop(): Promise<void> {
    this.#isOver.abort()
    await Promise.all(this.#loops)
  }

  async #decide(operator: Operator): Promise<void> {
    while (!this.#isOver.signal.aborted) {
      const pending = await operator.pending().catch(() => [])
      // a decision may be lost with hub or broker, or taken by the other one: it is seen again where it stands
      await Promise.allSettled(pending.map((one) => decideOne(operator, one)))
      await delay(60)
    }
  }
}

async function decideOne(operator: Operator, one: ApprovalNeeded): Promise<void> {
  const of = { agentId: one.agent_id }
  switch (classOfId(one.action_id)) {
    case 'denied':
      await operator.deny(one.action_id, 'the round says so', of)
      return
    case 'cancelled-waiting':
      await operator.cancel(one.action_id, of)
      return
    case 'approved':
    case 'approved-slow':
    case 'forking':
    case 'cancelled-running':
      await operator.approve(one.action_id, { ...of, digest: one.digest })
      return
    default:
  }
}

import type { ActionResult } from '@centralpost/shared'
import { Ledger, type Terminal } from '../history/ledger.ts'
import type { ActionObserver } from './action-observer.ts'

/**
 * A ledger that tells what has become durable. Every step of every action passes here, so that whoever measures or
 * traces needs no line in the flow.
 */
export class ObservedLedger extends Ledger {
  readonly #observers: readonly ActionObserver[]

  constructor(parts: ConstructorParameters<typeof Ledger>, observers: readonly ActionObserver[]) {
    super(...parts)
    this.#observers = observers
  }

  override async takeIn(...[row, told, options]: Parameters<Ledger['takeIn']>) {
    const { terminal, result } = heard(options?.terminal)
    const intake = await this.#timed(() =>
      super.takeIn(row, told, { ...options, ...(terminal && { terminal }) }),
    )
    if (intake.kind !== 'new') {
      for (const observer of this.#observers) observer.repeated?.(intake.kind)
      return intake
    }
    const { executionId } = intake
    const action = {
      executionId,
      agentId: row.agent_id,
      actionId: row.action_id,
      command: row.command,
      level: row.trust_level ?? null,
      state: row.status,
      at: row.timestamp,
    }
    for (const observer of this.#observers) {
      observer.takenIn?.(action)
      if (result.value) observer.ended?.(executionId, result.value)
    }
    return intake
  }

  override async step(...[executionId, step]: Parameters<Ledger['step']>) {
    const isTaken = await this.#timed(() => super.step(executionId, step))
    if (isTaken) {
      for (const observer of this.#observers) observer.stepped?.(executionId, step.to, step.at)
    }
    return isTaken
  }

  override async recordExecution(
    ...[executionId, step, ends]: Parameters<Ledger['recordExecution']>
  ) {
    if (step.from.includes('running')) {
      for (const observer of this.#observers) observer.ending?.(executionId)
    }
    const { terminal, result } = heard(ends)
    const isTaken = await this.#timed(() =>
      super.recordExecution(executionId, step, terminal ?? ends),
    )
    if (isTaken && result.value) {
      for (const observer of this.#observers) observer.ended?.(executionId, result.value)
    }
    return isTaken
  }

  override async markPublished(...[executionIds, at]: Parameters<Ledger['markPublished']>) {
    await super.markPublished(executionIds, at)
    for (const observer of this.#observers) observer.published?.(executionIds)
  }

  async #timed<T>(write: () => Promise<T>): Promise<T> {
    const from = performance.now()
    const written = await write()
    const seconds = (performance.now() - from) / 1000
    for (const observer of this.#observers) observer.wrote?.(seconds)
    return written
  }
}

/** A terminal message that can be looked at when it has been made. */
function heard(terminal: Terminal | undefined): {
  terminal: Terminal | undefined
  result: { value?: ActionResult }
} {
  const result: { value?: ActionResult } = {}
  if (terminal === undefined) return { terminal, result }
  const made = (executionId: number): ActionResult => {
    result.value = terminal.result(executionId)
    return result.value
  }
  return { terminal: { ...terminal, result: made }, result }
}

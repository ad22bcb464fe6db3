import { AsyncLocalStorage } from 'node:async_hooks'
import type {
  ActionResult,
  ActionState,
  TraceHeaders,
  TraceSpan,
  Tracing,
} from '@centralpost/shared'
import type { ActionObserver, ObservedAction } from './action-observer.ts'

/** The span name of a state. */
const spanNames: Partial<Record<ActionState, string>> = {
  pending: 'approval wait',
  queued: 'queue wait',
  running: 'execute',
}

interface Traced {
  /** the parent of its spans */
  readonly parent: TraceHeaders
  span: TraceSpan | null
  /** end of the run, in milliseconds since 1970; recorded later */
  doneAt: number | null
}

/** Limit of actions with unconfirmed results; the oldest are forgotten first. */
const mostTraced = 10_000

/**
 * Traces each action: intake, approval wait, queue wait, execute, record result, publish result.
 * Continues the agent's trace headers. Actions of an earlier hub have no trace here.
 */
export class ActionTraces implements ActionObserver {
  readonly #tracing: Tracing
  readonly #withCommand: boolean
  readonly #now: () => number
  readonly #intake = new AsyncLocalStorage<TraceSpan>()
  readonly #traced = new Map<number, Traced>()

  constructor(
    tracing: Tracing,
    options: { readonly withCommand: boolean; readonly now: () => number },
  ) {
    this.#tracing = tracing
    this.#withCommand = options.withCommand
    this.#now = options.now
  }

  /** Runs intake inside a span that continues its sender's trace. */
  async intake<T>(trace: TraceHeaders | undefined, take: () => Promise<T>): Promise<T> {
    const span = this.#tracing.start('intake', { kind: 'consumer', parent: trace ?? {} })
    try {
      return await this.#intake.run(span, take)
    } catch (error) {
      span.fail('taking the request in failed')
      throw error
    } finally {
      span.end()
    }
  }

  takenIn({ executionId, agentId, actionId, command, level, state }: ObservedAction): void {
    const intake = this.#intake.getStore()
    if (intake === undefined) return
    intake.set({
      'centralpost.agent_id': agentId,
      'centralpost.action_id': actionId,
      'centralpost.trust_level': level ?? 'none',
      'centralpost.state': state,
      ...(this.#withCommand && { 'centralpost.command': command }),
    })
    const traced: Traced = { parent: intake.headers, span: null, doneAt: null }
    this.#traced.set(executionId, traced)
    this.#enter(traced, state, this.#now())
    this.#forgetOldest()
  }

  repeated(outcome: 'known' | 'conflict' | 'full'): void {
    this.#intake.getStore()?.set({ 'centralpost.repeated': outcome })
  }

  stepped(executionId: number, to: ActionState): void {
    const traced = this.#traced.get(executionId)
    if (traced === undefined) return
    const at = this.#now()
    traced.span?.end(at)
    this.#enter(traced, to, at)
  }

  ending(executionId: number): void {
    const traced = this.#traced.get(executionId)
    if (traced) traced.doneAt = this.#now()
  }

  ended(executionId: number, result: ActionResult): void {
    const traced = this.#traced.get(executionId)
    if (traced === undefined) return
    const { status, exit_code: exitCode, error_category: category } = result
    const at = this.#now()
    const doneAt = traced.doneAt ?? at
    if (traced.span) {
      traced.span.set({
        'centralpost.status': status,
        ...(exitCode !== null && { 'process.exit.code': exitCode }),
        ...(category !== null && { 'error.type': category }),
      })
      if (!result.success) traced.span.fail(status)
      traced.span.end(doneAt)
    }
    this.#tracing.start('record result', { parent: traced.parent, at: doneAt }).end(at)
    traced.span = this.#tracing.start('publish result', {
      kind: 'producer',
      parent: traced.parent,
      at,
      attributes: { 'centralpost.status': status },
    })
  }

  published(executionIds: readonly number[]): void {
    for (const executionId of executionIds) {
      this.#traced.get(executionId)?.span?.end()
      this.#traced.delete(executionId)
    }
  }

  /** Ends open spans, and sends everything. */
  async close(): Promise<void> {
    for (const { span } of this.#traced.values()) span?.end()
    this.#traced.clear()
    await this.#tracing.close()
  }

  #enter(traced: Traced, state: ActionState, at: number): void {
    const name = spanNames[state]
    traced.span =
      name === undefined ? null : this.#tracing.start(name, { parent: traced.parent, at })
  }

  #forgetOldest(): void {
    if (this.#traced.size <= mostTraced) return
    for (const [executionId, { span }] of this.#traced) {
      span?.end()
      this.#traced.delete(executionId)
      return
    }
  }
}

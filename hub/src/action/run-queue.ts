import { Shares } from './shares.ts'

/** A slot reserved before it is known to be needed. */
export interface Reservation {
  /** @param work runs one action to its end; must not reject */
  readonly run: (work: () => Promise<void>) => void
  readonly release: () => void
}

/**
 * Schedules actions. Each agent has its own FIFO queue. The agent with the least recent running
 * time is next, so an agent with thousands of actions delays others only by its running ones. Holds
 * numbers only; the ledger has the actions.
 */
export class RunQueue {
  readonly #options: { readonly parallel: number; readonly parallelPerAgent: number }
  readonly #start: (executionId: number) => Promise<void>
  readonly #lines = new Map<string, number[]>()
  readonly #running = new Map<string, number>()
  readonly #inLine = new Set<number>()
  readonly #shares = new Shares()
  #whenIdle: (() => void)[] = []
  #occupied = 0
  #waiting = 0
  #isPaused = false
  /** average of the latest runs, each weighing a tenth */
  #meanMs = 1000

  /** @param start runs one action to its end; must not reject */
  constructor(
    options: { parallel: number; parallelPerAgent: number },
    start: (executionId: number) => Promise<void>,
  ) {
    this.#options = options
    this.#start = start
  }

  get running(): number {
    return this.#occupied
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Estimates when half of an agent's queue is done, in milliseconds, from recent run times. */
  expectedWaitMs(agentId: string): number {
    const { parallel, parallelPerAgent } = this.#options
    const ahead = (this.#lines.get(agentId)?.length ?? 0) / 2
    const others = this.#lines.size - (this.#lines.has(agentId) ? 1 : 0)
    return (ahead * this.#meanMs) / Math.min(parallelPerAgent, parallel / (1 + others))
  }

  /** Whether an action is queued. */
  isInLine(executionId: number): boolean {
    return this.#inLine.has(executionId)
  }

  /** Appends an action to its agent's queue. */
  push(agentId: string, executionId: number): void {
    const line = this.#lines.get(agentId)
    if (line === undefined) this.#lines.set(agentId, [executionId])
    else line.push(executionId)
    this.#waiting += 1
    this.#inLine.add(executionId)
    this.#fill()
  }

  /**
   * Reserves a slot without queueing. Null while any agent is queued, so that no action is
   * overtaken.
   *
   * @returns the slot, to be used or released; null when the action must be queued
   */
  reserve(agentId: string): Reservation | null {
    const { parallel, parallelPerAgent } = this.#options
    // an agent that waits while a slot is free has reached its share
    if (this.#isPaused || this.#occupied >= parallel || this.#lines.has(agentId)) return null
    if ((this.#running.get(agentId) ?? 0) >= parallelPerAgent) return null
    const vacate = this.#occupy(agentId)
    return { run: (work) => this.#watch(vacate, work()), release: vacate }
  }

  /** Starts nothing more. */
  pause(): void {
    this.#isPaused = true
  }

  /** Resolves when nothing runs and no slot is reserved. */
  async idle(): Promise<void> {
    if (this.#occupied === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#whenIdle.push(resolve)
    await promise
  }

  #fill(): void {
    while (!this.#isPaused && this.#occupied < this.#options.parallel) {
      const next = this.#take()
      if (next === undefined) return
      const { agentId, executionId } = next
      this.#watch(this.#occupy(agentId), this.#start(executionId))
    }
  }

  #watch(vacate: () => void, work: Promise<void>): void {
    const begun = performance.now()
    void work.finally(() => {
      this.#meanMs += (performance.now() - begun - this.#meanMs) / 10
      vacate()
    })
  }

  /** @returns releases the slot */
  #occupy(agentId: string): () => void {
    this.#occupied += 1
    this.#running.set(agentId, (this.#running.get(agentId) ?? 0) + 1)
    const over = this.#shares.begin(agentId)
    return () => {
      over()
      this.#vacate(agentId)
    }
  }

  #vacate(agentId: string): void {
    this.#occupied -= 1
    const left = (this.#running.get(agentId) ?? 1) - 1
    if (left === 0) this.#running.delete(agentId)
    else this.#running.set(agentId, left)
    this.#fill()
    if (this.#occupied > 0) return
    for (const tell of this.#whenIdle) tell()
    this.#whenIdle = []
  }

  /** The next agent's first action. */
  #take(): { agentId: string; executionId: number } | undefined {
    const { parallelPerAgent } = this.#options
    const agentId = this.#shares.next(
      this.#lines.keys().filter((name) => (this.#running.get(name) ?? 0) < parallelPerAgent),
    )
    const line = this.#lines.get(agentId ?? '')
    const executionId = line?.shift()
    if (agentId === undefined || line === undefined || executionId === undefined) return undefined
    // ties go to the agent served least recently
    this.#lines.delete(agentId)
    if (line.length > 0) this.#lines.set(agentId, line)
    this.#inLine.delete(executionId)
    this.#waiting -= 1
    return { agentId, executionId }
  }
}

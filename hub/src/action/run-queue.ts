import { Shares } from './shares.ts'

/** A place to run at, taken before it is known whether it will be needed. */
export interface Reservation {
  /** @param work one action to its end; must not reject */
  readonly run: (work: () => Promise<void>) => void
  readonly release: () => void
}

/**
 * Who runs next. Each agent has a line of its own, first come first served; the agent whose actions have run least lately
 * is next, so that agents that ask for thousands of actions delay another one by what is running. Holds numbers only: what
 * they stand for is in the ledger.
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
  /** of the latest runs, each weighing a tenth */
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

  /** How long it should be until an agent's line is half as long, in milliseconds, going by what ran of late. */
  expectedWaitMs(agentId: string): number {
    const { parallel, parallelPerAgent } = this.#options
    const ahead = (this.#lines.get(agentId)?.length ?? 0) / 2
    const others = this.#lines.size - (this.#lines.has(agentId) ? 1 : 0)
    return (ahead * this.#meanMs) / Math.min(parallelPerAgent, parallel / (1 + others))
  }

  /** Whether an action waits for a place. */
  isInLine(executionId: number): boolean {
    return this.#inLine.has(executionId)
  }

  /** Puts an action at the end of its agent's line. */
  push(agentId: string, executionId: number): void {
    const line = this.#lines.get(agentId)
    if (line === undefined) this.#lines.set(agentId, [executionId])
    else line.push(executionId)
    this.#waiting += 1
    this.#inLine.add(executionId)
    this.#fill()
  }

  /**
   * Takes a place for an action that need not wait, ahead of nobody: there is none while anyone stands in line.
   *
   * @returns the place, to be used or given back; null when the action must go into its line
   */
  reserve(agentId: string): Reservation | null {
    const { parallel, parallelPerAgent } = this.#options
    // whoever waits while a place is free has their share already
    if (this.#isPaused || this.#occupied >= parallel || this.#lines.has(agentId)) return null
    if ((this.#running.get(agentId) ?? 0) >= parallelPerAgent) return null
    const vacate = this.#occupy(agentId)
    return { run: (work) => this.#watch(vacate, work()), release: vacate }
  }

  /** Starts nothing more. */
  pause(): void {
    this.#isPaused = true
  }

  /** Resolves when nothing runs, and no place is reserved. */
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

  /** @returns gives the place back */
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

  /** The first in line of the agent that is next. */
  #take(): { agentId: string; executionId: number } | undefined {
    const { parallelPerAgent } = this.#options
    const agentId = this.#shares.next(
      this.#lines.keys().filter((name) => (this.#running.get(name) ?? 0) < parallelPerAgent),
    )
    const line = this.#lines.get(agentId ?? '')
    const executionId = line?.shift()
    if (agentId === undefined || line === undefined || executionId === undefined) return undefined
    // of several that have had the same, whoever was served last is last
    this.#lines.delete(agentId)
    if (line.length > 0) this.#lines.set(agentId, line)
    this.#inLine.delete(executionId)
    this.#waiting -= 1
    return { agentId, executionId }
  }
}

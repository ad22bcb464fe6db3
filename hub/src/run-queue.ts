/**
 * Who runs next. Each agent has a line of its own, first come first served; the lines take turns, so that one agent
 * that asks for thousands of actions delays another by no more than what is running. Holds numbers only: what they
 * stand for is in the ledger.
 */
export class RunQueue {
  readonly #options: { readonly parallel: number; readonly parallelPerAgent: number }
  readonly #start: (executionId: number) => Promise<void>
  readonly #lines = new Map<string, number[]>()
  readonly #running = new Map<string, number>()
  readonly #underway = new Set<Promise<void>>()
  #waiting = 0
  #isPaused = false

  /** @param start runs one action to its end; must not reject */
  constructor(
    options: { parallel: number; parallelPerAgent: number },
    start: (executionId: number) => Promise<void>,
  ) {
    this.#options = options
    this.#start = start
  }

  get running(): number {
    return this.#underway.size
  }

  get waiting(): number {
    return this.#waiting
  }

  /** Puts an action at the end of its agent's line. */
  push(agentId: string, executionId: number): void {
    const line = this.#lines.get(agentId)
    if (line === undefined) this.#lines.set(agentId, [executionId])
    else line.push(executionId)
    this.#waiting += 1
    this.#fill()
  }

  /** Starts nothing more. */
  pause(): void {
    this.#isPaused = true
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#underway.size > 0) await Promise.allSettled(this.#underway)
  }

  #fill(): void {
    while (!this.#isPaused && this.#underway.size < this.#options.parallel) {
      const next = this.#take()
      if (next === undefined) return
      const { agentId, executionId } = next
      this.#running.set(agentId, (this.#running.get(agentId) ?? 0) + 1)
      const run = this.#start(executionId).finally(() => {
        const left = (this.#running.get(agentId) ?? 1) - 1
        if (left === 0) this.#running.delete(agentId)
        else this.#running.set(agentId, left)
        this.#underway.delete(run)
        this.#fill()
      })
      this.#underway.add(run)
    }
  }

  /** The first of the line whose turn it is; that line goes to the back. */
  #take(): { agentId: string; executionId: number } | undefined {
    for (const [agentId, line] of this.#lines) {
      if ((this.#running.get(agentId) ?? 0) >= this.#options.parallelPerAgent) continue
      const executionId = line.shift()
      this.#lines.delete(agentId)
      if (executionId === undefined) continue
      if (line.length > 0) this.#lines.set(agentId, line)
      this.#waiting -= 1
      return { agentId, executionId }
    }
    return undefined
  }
}

import type { SeenAgent } from '../wire/feed-message.ts'

const mostAgents = 500

/** The agents that have sent requests since the console started. */
export class SeenAgents {
  readonly #agents = new Map<string, SeenAgent>()
  #hasNews = false

  /** @param raw the request as the agent wrote it */
  saw(agentId: string, raw: unknown): void {
    this.#hasNews = true
    const before = this.#agents.get(agentId)
    // moves it to the end of the map: most recent
    this.#agents.delete(agentId)
    this.#agents.set(agentId, {
      agent_id: agentId,
      agent_type: typeOf(raw) ?? before?.agent_type ?? null,
      last_seen: new Date().toISOString(),
      requests: (before?.requests ?? 0) + 1,
    })
    for (const oldest of this.#agents.keys()) {
      if (this.#agents.size <= mostAgents) break
      this.#agents.delete(oldest)
    }
  }

  /** Whether an agent was seen since the last call. */
  hasNews(): boolean {
    const news = this.#hasNews
    this.#hasNews = false
    return news
  }

  /** Most recent first. */
  list(): readonly SeenAgent[] {
    return [...this.#agents.values()].toReversed()
  }
}

function typeOf(raw: unknown): string | null {
  if (typeof raw !== 'object' || raw === null || !('agent_type' in raw)) return null
  return typeof raw.agent_type === 'string' ? raw.agent_type.slice(0, 64) : null
}

import { type Logger, messageOf } from '@centralpost/shared'
import type { Ledger } from '../history/ledger/ledger.ts'
import type { Unended } from '../history/ledger/ledger-reads.ts'
import type { Execution } from '../history/store/execution.ts'

const states = ['pending', 'queued', 'running'] as const
type State = (typeof states)[number]

/** Actions of one state examined per round. */
const mostAtOnce = 500

export interface OrphansParts {
  readonly ledger: Pick<Ledger, 'unended' | 'get'>
  /** whether a timer, a queue or a run of this hub takes care of an action */
  readonly isWatched: Readonly<Record<State, (action: Unended) => boolean>>
  /**
   * Takes care of an action until its end.
   *
   * @param leftMs until its deadline, by the database's clock, in milliseconds; null: no deadline
   */
  readonly adopt: Readonly<
    Record<State, (row: Execution, leftMs: number | null) => Promise<void> | void>
  >
  readonly log: Logger
}

/**
 * Finds unfinished actions that no part of this hub takes care of: left by a hub that lost its
 * lease at an unlucky moment, or by a bug. An action seen so in two rounds is adopted; one that is
 * just being written is taken care of by the second.
 */
export class Orphans {
  readonly #parts: OrphansParts
  readonly #after: Record<State, number> = { pending: 0, queued: 0, running: 0 }
  #suspects = new Set<number>()
  #round: Promise<void> | undefined

  constructor(parts: OrphansParts) {
    this.#parts = parts
  }

  /**
   * Examines some unfinished actions per call, in rotation. Never rejects; a concurrent call does
   * nothing more.
   */
  sweep(): Promise<void> {
    this.#round ??= this.#sweep()
      .catch((error: unknown) => {
        this.#parts.log.warn('looking for orphaned actions failed', {
          error: messageOf(error),
        })
      })
      .finally(() => {
        this.#round = undefined
      })
    return this.#round
  }

  async #sweep(): Promise<void> {
    const suspects = new Set<number>()
    for (const state of states) {
      const before = this.#after[state]
      const found = await this.#parts.ledger.unended(state, before, mostAtOnce)
      const unwatched = found.filter((action) => !this.#parts.isWatched[state](action))
      for (const action of unwatched) {
        if (this.#suspects.has(action.execution_id)) await this.#adopt(state, action)
        else suspects.add(action.execution_id)
      }
      // a page with a new suspect is examined again before the next one
      if (unwatched.some(({ execution_id: id }) => suspects.has(id))) continue
      this.#after[state] = found.length < mostAtOnce ? 0 : (found.at(-1)?.execution_id ?? 0)
    }
    this.#suspects = suspects
  }

  async #adopt(state: State, action: Unended): Promise<void> {
    const { ledger, adopt, isWatched, log } = this.#parts
    const row = await ledger.get(action.execution_id)
    if (row.status !== state || isWatched[state](action)) return
    log.warn('adopted an orphaned action', {
      actionId: action.action_id,
      agentId: action.agent_id,
      state,
    })
    await adopt[state](row, row.deadline === null ? null : row.deadline - action.now)
  }
}

import type {
  ActionDetail,
  ActionState,
  CommandPattern,
  CommandPatternStats,
  CommandStatistics,
  HistoryEntry,
  Overview,
  Suggestion,
  TaskCategory,
  TrustLevel,
} from '@centralpost/shared'
import type { Store } from '../store/dialect/dialect.ts'
import { detailOf } from '../search/detail.ts'
import { type ExportPage, exportPage, type ExportQuery } from '../search/exports.ts'
import { type OverviewQuery, overviewOf } from '../statistics/overview.ts'
import { type HistoryPage, type HistoryQuery, searchHistory } from '../search/search.ts'
import { type CommandStats, commandStatistics, statsOf } from '../statistics/statistics.ts'
import {
  type CommandPatternQuery,
  failurePatterns,
  successPatterns,
} from '../patterns/command-patterns.ts'
import { toPattern } from '../patterns/pattern-store.ts'
import { type Approved, repeatedApprovals } from '../patterns/proposals.ts'
import { type SuggestionQuery, suggestionsFor } from '../patterns/suggest.ts'
import { venvViolations, type ViolationQuery } from '../patterns/violations.ts'

/**
 * Reads what was done and what was learned from it. Nothing here writes. In a hub it lives in a worker thread, since
 * some of its questions take long.
 */
export class CommandHistory {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** A page of executions; `query` may be anything a person types. */
  search(asked: HistoryQuery): Promise<HistoryPage> {
    return searchHistory(this.#store, asked)
  }

  /** Executions that fit, newest first. */
  async getFilteredHistory(asked: HistoryQuery): Promise<readonly HistoryEntry[]> {
    return (await this.search(asked)).entries
  }

  /** The newest executions. */
  getRecentExecutions(limit = 10): Promise<readonly HistoryEntry[]> {
    return this.getFilteredHistory({ limit })
  }

  /** Words, phrases, prefixes, flags, file names, paths, operators: never an error; best first. */
  searchCommands(query: string, limit = 10): Promise<readonly HistoryEntry[]> {
    return this.getFilteredHistory({ query, limit, order: 'best' })
  }

  getByAgent(agentId: string, limit = 50): Promise<readonly HistoryEntry[]> {
    return this.getFilteredHistory({ agentId, limit })
  }

  getByWorkflow(workflowId: string, limit = 50): Promise<readonly HistoryEntry[]> {
    return this.getFilteredHistory({ workflowId, limit })
  }

  getByLevel(level: TrustLevel, limit = 50): Promise<readonly HistoryEntry[]> {
    return this.getFilteredHistory({ levels: [level], limit })
  }

  getByStatus(status: ActionState, limit = 50): Promise<readonly HistoryEntry[]> {
    return this.getFilteredHistory({ statuses: [status], limit })
  }

  /** @param since,until milliseconds since 1970 */
  getByTime(since: number, until: number, limit = 50): Promise<readonly HistoryEntry[]> {
    return this.getFilteredHistory({ since, until, limit })
  }

  /** Of each action under an id, everything the audit trail tells, in order. */
  getActionDetails(actionId: string, agentId?: string): Promise<ActionDetail[]> {
    return detailOf(this.#store.db, actionId, agentId)
  }

  /**
   * Sums of the executions of one command (exact text), or of all.
   *
   * @param hashes the command's hash in each form it may be stored in; all commands when absent
   */
  getCommandStats(hashes?: readonly string[]): Promise<CommandStats> {
    return statsOf(this.#store.db, hashes === undefined ? 'all' : 'exact', hashes ?? [''])
  }

  /** The same as it travels, with what is known of all commands of the same form. */
  getCommandStatistics(
    command: string | undefined,
    hashes: readonly string[],
  ): Promise<CommandStatistics> {
    return commandStatistics(this.#store.db, command, hashes)
  }

  getOverview(asked: OverviewQuery): Promise<Overview> {
    return overviewOf(this.#store.db, asked)
  }

  /** Normalised commands that work, most successful first. */
  getSuccessPatterns(asked: Partial<CommandPatternQuery> = {}): Promise<CommandPatternStats[]> {
    return successPatterns(this.#store.db, { least: 3, limit: 50, ...asked })
  }

  /** Normalised commands that fail, most failures first, with what made them work again. */
  getFailurePatterns(asked: Partial<CommandPatternQuery> = {}): Promise<CommandPatternStats[]> {
    return failurePatterns(this.#store.db, { least: 2, limit: 50, ...asked })
  }

  /** Python and pip that ran outside a virtual environment. */
  getVenvViolations(asked: Partial<ViolationQuery> = {}) {
    return venvViolations(this.#store.db, { limit: 50, ...asked })
  }

  /** Mined and created patterns, best supported first. */
  async getPatterns(limit = 50, category?: TaskCategory): Promise<CommandPattern[]> {
    const rows = await this.#store.db
      .selectFrom('command_patterns')
      .selectAll()
      .$if(category !== undefined, (query) => query.where('task_category', '=', category ?? null))
      .orderBy('usage_count', 'desc')
      .orderBy('support', 'desc')
      .orderBy('pattern_id')
      .limit(limit)
      .execute()
    return rows.map(toPattern)
  }

  getPatternsByCategory(category: TaskCategory, limit = 50): Promise<CommandPattern[]> {
    return this.getPatterns(limit, category)
  }

  /** What to try for a task or after a failure, best first. */
  getSuggestions(asked: SuggestionQuery): Promise<Suggestion[]> {
    return suggestionsFor(this.#store.db, asked)
  }

  /** What persons have approved again and again and never denied. */
  getRepeatedApprovals(asked: {
    readonly least: number
    readonly since: number
    readonly limit: number
  }): Promise<Approved[]> {
    return repeatedApprovals(this.#store.db, asked)
  }

  /** One page of executions as lines of text, oldest first. */
  exportPage(asked: ExportQuery): Promise<ExportPage> {
    return exportPage(this.#store, asked)
  }
}

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
 * Queries of the history and of learned patterns, read-only. In a hub it runs in a worker thread,
 * since some queries take long.
 */
export class CommandHistory {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** A page of executions; `query` may be any search input. */
  search(asked: HistoryQuery): Promise<HistoryPage> {
    return searchHistory(this.#store, asked)
  }

  /** Matching executions, newest first. */
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

  /** All actions under an id, each with its audit events, in order. */
  getActionDetails(actionId: string, agentId?: string): Promise<ActionDetail[]> {
    return detailOf(this.#store.db, actionId, agentId)
  }

  /**
   * Totals of the executions of one command (exact text), or of all.
   *
   * @param hashes the command's hash in each form it may be stored in; all commands when absent
   */
  getCommandStats(hashes?: readonly string[]): Promise<CommandStats> {
    return statsOf(this.#store.db, hashes === undefined ? 'all' : 'exact', hashes ?? [''])
  }

  /** The same in wire form, with totals of all commands of the same normalised form. */
  getCommandStatistics(
    command: string | undefined,
    hashes: readonly string[],
  ): Promise<CommandStatistics> {
    return commandStatistics(this.#store.db, command, hashes)
  }

  getOverview(asked: OverviewQuery): Promise<Overview> {
    return overviewOf(this.#store.db, asked)
  }

  /** Normalised commands that succeed, most successful first. */
  getSuccessPatterns(asked: Partial<CommandPatternQuery> = {}): Promise<CommandPatternStats[]> {
    return successPatterns(this.#store.db, { least: 3, limit: 50, ...asked })
  }

  /** Normalised commands that fail, most failures first, with their remedies. */
  getFailurePatterns(asked: Partial<CommandPatternQuery> = {}): Promise<CommandPatternStats[]> {
    return failurePatterns(this.#store.db, { least: 2, limit: 50, ...asked })
  }

  /** Python and pip runs outside a virtual environment. */
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

  /** Suggestions for a task or after a failure, best first. */
  getSuggestions(asked: SuggestionQuery): Promise<Suggestion[]> {
    return suggestionsFor(this.#store.db, asked)
  }

  /** Repeated approvals by persons without a denial. */
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

import type { ActionState, HistoryEntry, TrustLevel } from '@centralpost/shared'
import { sql } from 'kysely'
import { type ChainReport, verifyAudit } from './audit-trail.ts'
import type { Database } from './database.ts'
import type { CommandExecution } from './schema.ts'
import { searchQuery } from './search-query.ts'

/** How many of the newest hits of a search are looked at for the other filters. */
const mostHits = 10_000

export interface HistoryFilter {
  readonly query?: string | undefined
  readonly agentId?: string | undefined
  readonly workflowId?: string | undefined
  readonly trustLevel?: TrustLevel | undefined
  readonly status?: ActionState | undefined
  readonly actionId?: string | undefined
  /** only executions older than this one */
  readonly before?: number | undefined
  readonly limit: number
}

/** Success, duration and verdicts of one command, or of all. Durations in milliseconds. */
export interface CommandStats {
  readonly totalExecutions: number
  readonly successful: number
  readonly failed: number
  readonly avgDuration: number | null
  readonly minDuration: number | null
  readonly maxDuration: number | null
  readonly lastExecution: number | null
  readonly byStatus: Readonly<Record<string, number>>
  readonly byLevel: Readonly<Record<string, number>>
}

/** Reads what was done. Nothing here writes. */
export class CommandHistory {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Executions, newest first; `query` may be anything a person types. */
  async getFilteredHistory(filter: HistoryFilter): Promise<HistoryEntry[]> {
    let rows = this.#db.selectFrom('command_executions as e').selectAll('e')
    if (filter.query !== undefined && filter.query.trim() !== '') {
      const match = searchQuery(filter.query)
      if (match === null) return []
      const before = filter.before ?? Number.MAX_SAFE_INTEGER
      // newest first and bounded: a common word has hits without end
      rows = rows.where(
        sql<boolean>`e.execution_id in (
          select rowid from command_fts where command_fts match ${match} and rowid < ${before}
          order by rowid desc limit ${mostHits}
        )`,
      )
    }
    if (filter.agentId !== undefined) rows = rows.where('e.agent_id', '=', filter.agentId)
    if (filter.workflowId !== undefined) rows = rows.where('e.workflow_id', '=', filter.workflowId)
    if (filter.trustLevel !== undefined) rows = rows.where('e.trust_level', '=', filter.trustLevel)
    if (filter.status !== undefined) rows = rows.where('e.status', '=', filter.status)
    if (filter.actionId !== undefined) rows = rows.where('e.action_id', '=', filter.actionId)
    if (filter.before !== undefined) rows = rows.where('e.execution_id', '<', filter.before)
    const found = await rows.orderBy('e.execution_id', 'desc').limit(filter.limit).execute()
    return found.map(toEntry)
  }

  /** The newest executions. */
  getRecentExecutions(limit = 10): Promise<HistoryEntry[]> {
    return this.getFilteredHistory({ limit })
  }

  /** Words, phrases, prefixes, flags, file names: never an error, newest first. */
  searchCommands(query: string, limit = 10): Promise<HistoryEntry[]> {
    return this.getFilteredHistory({ query, limit })
  }

  /**
   * Statistics of the executions of one command (exact text), or of all.
   *
   * @param commandHash as `SystemExecutor.computeCommandHash` gives it; all commands when absent
   */
  async getCommandStats(commandHash?: string): Promise<CommandStats> {
    const rows = await this.#db
      .selectFrom('command_executions')
      .select(['status', 'trust_level'])
      .select((get) => [
        get.fn.countAll<number>().as('n'),
        get.fn.sum<number | null>('success').as('successful'),
        get.fn.sum<number | null>('duration').as('total'),
        get.fn.count<number>('duration').as('timed'),
        get.fn.min('duration').as('shortest'),
        get.fn.max('duration').as('longest'),
        get.fn.max('execution_timestamp').as('last'),
      ])
      .$if(commandHash !== undefined, (query) =>
        query.where('command_hash', '=', commandHash ?? ''),
      )
      .groupBy(['status', 'trust_level'])
      .execute()
    const executed = rows.filter((row) => row.timed > 0)
    const timed = sum(executed.map((row) => row.timed))
    const successful = sum(rows.map((row) => row.successful))
    return {
      totalExecutions: sum(rows.map((row) => row.n)),
      successful,
      failed: timed - successful,
      avgDuration: timed === 0 ? null : sum(executed.map((row) => row.total)) / timed,
      minDuration: timed === 0 ? null : Math.min(...present(executed.map((row) => row.shortest))),
      maxDuration: timed === 0 ? null : Math.max(...present(executed.map((row) => row.longest))),
      lastExecution: timed === 0 ? null : Math.max(...present(executed.map((row) => row.last))),
      byStatus: counted(rows.map((row) => [row.status, row.n])),
      byLevel: counted(rows.map((row) => [row.trust_level ?? 'none', row.n])),
    }
  }

  /** Recomputes the audit chain. */
  verify(): Promise<ChainReport> {
    return verifyAudit(this.#db)
  }
}

function counted(pairs: readonly (readonly [string, number])[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [name, n] of pairs) counts[name] = (counts[name] ?? 0) + n
  return counts
}

function toEntry(row: CommandExecution): HistoryEntry {
  return {
    execution_id: row.execution_id,
    action_id: row.action_id,
    agent_id: row.agent_id,
    agent_type: row.agent_type,
    workflow_id: row.workflow_id,
    command: row.command,
    context: row.context,
    trust_level: row.trust_level,
    status: row.status,
    approved_by: row.approved_by,
    reason: row.reason,
    exit_code: row.exit_code,
    error_category: row.error_category,
    duration: row.duration === null ? null : row.duration / 1000,
    cwd: row.cwd,
    requested_at: new Date(row.timestamp).toISOString(),
    finished_at: row.finished_at === null ? null : new Date(row.finished_at).toISOString(),
    stdout_preview: row.stdout_preview,
    stderr_preview: row.stderr_preview,
  }
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0)
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null)
}

import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { Client } from 'pg'
import type { LedgerEvent, LedgerRow } from './evidence.ts'
import type { World } from './world.ts'

const questions = {
  rows: `select execution_id, action_id, agent_id, command, status, trust_level, finished_at
    from command_executions order by execution_id`,
  events: `select seq, timestamp, execution_id, agent_id, action_id, kind, data, prev_hash, hash
    from audit_events order by seq`,
  unpublished: `select execution_id from action_results where published_at is null`,
}

export interface LedgerContent {
  readonly rows: readonly LedgerRow[]
  readonly events: readonly LedgerEvent[]
  readonly unpublished: number
}

/** Reads the ledger past the hub, which has ended. */
export async function readLedger({ url, dataDir }: World): Promise<LedgerContent> {
  const [rows = [], events = [], unpublished = []] =
    url === undefined ? fromFile(join(dataDir, 'hub.db')) : await fromServer(url)
  return {
    rows: rows.map(withNumbers) as unknown as LedgerRow[],
    events: events.map(withNumbers) as unknown as LedgerEvent[],
    unpublished: unpublished.length,
  }
}

type Raw = Record<string, unknown>

function fromFile(path: string): Raw[][] {
  const file = new SqliteDatabase(path, { readonly: true })
  try {
    return Object.values(questions).map((text) => file.prepare(text).all() as Raw[])
  } finally {
    file.close()
  }
}

async function fromServer(url: string): Promise<Raw[][]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const answers: Raw[][] = []
    for (const text of Object.values(questions)) {
      answers.push((await client.query(text)).rows as Raw[])
    }
    return answers
  } finally {
    await client.end()
  }
}

const numbers = ['execution_id', 'finished_at', 'seq', 'timestamp']

/** PostgreSQL's client hands out 64-bit numbers as text. */
const withNumbers = (row: Raw): Raw =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      numbers.includes(name) && typeof value === 'string' ? Number(value) : value,
    ]),
  )

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ActionResult, silentLogger } from '@centralpost/shared'
import SqliteDatabase from 'better-sqlite3'
import { openStore } from '#hub/history/store/database.ts'
import { History } from '#hub/history/history.ts'
import { type NewExecution, rowOf } from '#hub/history/store/execution.ts'
import type { NewCommandExecution } from '#hub/history/store/schema.ts'
import { type BenchRow, inDigits } from './bench-row.ts'
import { executions } from './history-rows.ts'
import { asText } from '#hub/history/ledger/ledger-step.ts'

const total = Number(process.env['CENTRALPOST_BENCH_ROWS'] ?? 1_000_000)
const inFlight = 256
const mostRaw = 200_000
/** So long that both meet a checkpoint in each of their turns. */
const batchesOfTurn = 40

/**
 * The history at a million recorded executions (`CENTRALPOST_BENCH_ROWS`: fewer). `record` is what the hub does to
 * record an execution that has ended (row, audit event with its hash, durable commit shared by those that arrive
 * together); `raw-insert` is better-sqlite3 alone inserting the same columns into a bare table in batches of the same
 * size, durable as well, in turns with it. The goal is the median ratio of those; the others are times at the full size.
 */
export async function benchHistory(): Promise<BenchRow[]> {
  const dir = await mkdtemp(join(tmpdir(), 'centralpost-bench-'))
  const rows: BenchRow[] = []
  try {
    await using history = await openHistory(dir)
    const { rows: recorded, ratio } = await record(history, join(dir, 'raw.db'))
    rows.push(...recorded)
    const loop = await lateness(history)
    const indexing = performance.now()
    await history.ask(() => Promise.resolve())
    await indexed(history)
    rows.push(row('index', total, [(performance.now() - indexing) / total]))
    rows.push(await complete(history))
    rows.push(...(await questions(history)))
    rows.push(await minePatterns(history))
    await history.close()
    rows.push(await opening(dir))
    process.stdout.write(
      `history: record is ${(ratio * 100).toFixed(0)} % of raw-insert (goal: at least 60 %); ` +
        `while recording, the event loop was late by ${(loop.percentile(99) / 1e6).toFixed(1)} ms at p99, ` +
        `${(loop.max / 1e6).toFixed(1)} ms at most\n`,
    )
    return rows
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function openHistory(dir: string): Promise<History> {
  return History.open({
    location: { backend: 'sqlite', dataDir: dir },
    dataDir: dir,
    hubId: 'bench',
    lease: { marker: 'bench', leaseMs: 15_000, graceMs: 7000 },
    masking: { isOn: true },
    onLost: (error) => {
      throw error
    },
    log: silentLogger,
  })
}

/** better-sqlite3 alone: a bare table of the same columns, durable as well. */
function openRaw(path: string) {
  const db = new SqliteDatabase(path)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  const names = Object.keys(executions(0, 1).map(rowOf)[0] ?? {}) as (keyof NewCommandExecution)[]
  db.exec(`create table bare (${names.join(', ')})`)
  const insert = db.prepare(
    `insert into bare (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`,
  )
  return {
    insert(batch: readonly NewCommandExecution[]): void {
      db.exec('begin')
      for (const one of batch) insert.run(names.map((name) => one[name] ?? null))
      db.exec('commit')
    },
    [Symbol.dispose]: () => {
      db.close()
    },
  }
}

/**
 * So many at once as arrive together under load, the next of them while those before are on their way to the disk; and
 * what one alone waits for its commit. Raw inserts of the same executions take turns with it, as long as the bare table
 * is of a size, so that what else the machine does meanwhile falls on both.
 *
 * @returns ratio: the median over turns of how fast recording is in terms of raw inserts
 */
async function record({ ledger }: History, rawPath: string) {
  using raw = openRaw(rawPath)
  const bare: number[] = []
  const recorded: number[] = []
  const ratios: number[] = []
  for (let from = 0; from < total; from += inFlight * batchesOfTurn) {
    // made before the clock starts, for both
    const batches = batchesFrom(from)
    const rows = batches.map((batch) => batch.map(rowOf))
    const count = batches.flat().length
    await new Promise(setImmediate)
    const isCompared = from < mostRaw
    if (isCompared) {
      const ms = await time(async () => {
        for (const batch of rows) raw.insert(batch)
      })
      bare.push(ms / count)
    }
    const ms = await time(async () => {
      let before: Promise<unknown> = Promise.resolve()
      for (const batch of batches) {
        const these = Promise.all(batch.map((one) => ledger.takeIn(one, [finished(one)])))
        await before
        before = these
      }
      await before
    })
    recorded.push(ms / count)
    if (isCompared) ratios.push((bare.at(-1) ?? Number.NaN) / (ms / count))
  }
  const alone: number[] = []
  for (const one of executions(total, 300)) {
    alone.push(await time(() => ledger.takeIn(one, [finished(one)])))
  }
  const rows = [
    row('raw-insert', Math.min(total, mostRaw), bare),
    row('record', total, recorded),
    row('record one alone', 300, alone),
  ]
  ratios.sort((a, b) => a - b)
  return { rows, ratio: ratios[Math.floor(ratios.length / 2)] ?? Number.NaN }
}

function batchesFrom(first: number): NewExecution[][] {
  const end = Math.min(total, first + inFlight * batchesOfTurn)
  const batches: NewExecution[][] = []
  for (let from = first; from < end; from += inFlight) {
    batches.push(executions(from, Math.min(inFlight, end - from)))
  }
  return batches
}

/** How late the event loop is while 32 at a time are recorded and indexed. */
async function lateness({ ledger }: History) {
  const rows = executions(total + 10_000, 10_000)
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  for (let from = 0; from < rows.length; from += 32) {
    const batch = rows.slice(from, from + 32)
    await Promise.all(batch.map((one) => ledger.takeIn(one, [finished(one)])))
  }
  loop.disable()
  return loop
}

function finished(one: NewExecution) {
  return { kind: 'finished' as const, data: { status: one.status, exit_code: one.exit_code } }
}

async function indexed(history: History): Promise<void> {
  for (;;) {
    const { total_executions: n } = await history.ask((reads) =>
      reads.getCommandStatistics(undefined, []),
    )
    if (n >= total) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function complete({ ledger }: History): Promise<BenchRow> {
  const times: number[] = []
  for (const one of executions(total + 1000, 1000)) {
    const running = { ...one, status: 'running' as const, success: null, finished_at: null }
    const intake = await ledger.takeIn(running, [{ kind: 'requested' }, { kind: 'started' }])
    if (intake.kind !== 'new') throw new Error('not new')
    const began = performance.now()
    await ledger.recordExecution(
      intake.executionId,
      {
        from: ['running'],
        to: 'completed',
        at: Date.now(),
        changes: {
          success: 1,
          exit_code: 0,
          duration: 12,
          finished_at: Date.now(),
          stdout_preview: one.stdout_preview ?? '',
          stderr_preview: '',
        },
        told: finished(one),
      },
      { subject: 'subject', result: () => asText({ stdout: one.stdout_preview } as ActionResult) },
    )
    times.push(performance.now() - began)
  }
  return row('complete', times.length, times)
}

const searches = [
  'install',
  'git',
  'error',
  'test',
  'python',
  '-la',
  'app.py',
  'src/app',
  '"git commit"',
  'requ*',
  '&&',
  'no-such-word',
]

async function time(question: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await question()
  return performance.now() - began
}

async function questions(history: History): Promise<BenchRow[]> {
  await history.ask((reads) => reads.getRecentExecutions(50))
  const recent: number[] = []
  for (let n = 0; n < 200; n += 1) {
    recent.push(await time(() => history.ask((reads) => reads.getRecentExecutions(50))))
  }
  const found: number[] = []
  for (let n = 0; n < 20; n += 1) {
    for (const query of searches) {
      const order = n % 2 ? ('best' as const) : ('newest' as const)
      found.push(
        await time(() => history.ask((reads) => reads.search({ query, limit: 50, order }))),
      )
    }
  }
  const stats: number[] = []
  for (const one of executions(total / 2, 300)) {
    stats.push(
      await time(() =>
        history.ask((reads) => reads.getCommandStatistics(one.command, [one.command_hash])),
      ),
    )
  }
  const now = Date.now()
  const overview: number[] = []
  for (let n = 0; n < 5; n += 1) {
    overview.push(
      await time(() =>
        history.ask((reads) =>
          reads.getOverview({ since: now - 86_400_000, until: now, buckets: 48, top: 10 }),
        ),
      ),
    )
  }
  return [
    row('recent 50', recent.length, recent),
    row('search', found.length, found),
    row('stats of one command', stats.length, stats),
    row('overview of a day', overview.length, overview),
  ]
}

async function minePatterns(history: History): Promise<BenchRow> {
  const began = performance.now()
  const { found } = await history.learning.minePatterns()
  const ms = performance.now() - began
  process.stdout.write(`history: ${found} patterns mined from the newest 200,000 actions\n`)
  return row('mine-patterns', 1, [ms])
}

async function opening(dir: string): Promise<BenchRow> {
  const times: number[] = []
  for (let n = 0; n < 10; n += 1) {
    const began = performance.now()
    const store = await openStore({ backend: 'sqlite', dataDir: dir }, 'ledger')
    await store.db.selectFrom('command_executions').select('execution_id').limit(1).execute()
    times.push(performance.now() - began)
    await store.close()
  }
  return row('open', times.length, times)
}

function row(name: string, n: number, times: readonly number[]): BenchRow {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    inDigits(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0)
  const mean = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length
  return {
    benchmark: 'history',
    case: name,
    n,
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
    per_second: Math.round(1000 / mean),
    rss_mb: Math.round(process.memoryUsage().rss / 2 ** 20),
  }
}

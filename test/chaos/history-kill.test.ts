import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { verifyAudit } from '#hub/history/audit/verify.ts'
import { HistoryFixture } from '../support/history-fixture.ts'
import { TempDir } from '../support/temp-dir.ts'

const writer = fileURLToPath(new URL('history-writer.ts', import.meta.url))
const kills = Number(process.env['CENTRALPOST_KILLS'] ?? 100)

/** @returns what the writer said was written, before it was killed in the middle of it */
async function writeUntilKilled(dataDir: string, prefix: string, ms: number): Promise<string[]> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', writer, dataDir, prefix],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  )
  const ended = new Promise((resolve) => child.once('close', resolve))
  const said: string[] = []
  const ready = Promise.withResolvers<void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ready') ready.resolve()
    else said.push(line)
  })
  await Promise.race([ready.promise, ended])
  await delay(ms)
  child.kill('SIGKILL')
  await ended
  return said
}

test(`a history whose writer is killed ${kills} times opens, verifies, and misses nothing acknowledged`, async () => {
  await using dir = await TempDir.make()
  const acknowledged: string[] = []
  for (let n = 0; n < kills; n += 1) {
    acknowledged.push(...(await writeUntilKilled(dir.path, `run${n}`, 5 + ((n * 37) % 120))))
  }
  const it = await HistoryFixture.open(dir, { backend: 'sqlite', dataDir: dir.path })
  try {
    expect(await verifyAudit(it.store)).toMatchObject({ intact: true, problem: null })
    const rows = await it.store.db
      .selectFrom('command_executions as e')
      .leftJoin('action_results as r', 'r.execution_id', 'e.execution_id')
      .select(['e.action_id', 'e.status', 'r.result'])
      .execute()
    const found = new Map(rows.map((row) => [row.action_id, row]))
    const missing = acknowledged.filter((line) => {
      const [actionId = '', end] = line.split(' ')
      const row = found.get(actionId)
      return (
        row === undefined ||
        (end === 'ended' && (row.status !== 'completed' || row.result === null))
      )
    })
    expect(missing).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(kills)
    await it.index()
    expect(await it.history.getCommandStats()).toMatchObject({ totalExecutions: rows.length })
  } finally {
    await it.close()
  }
}, 300_000)

import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import type { BenchRow } from './bench-row.ts'

/** The benchmarks by name; each is loaded when it is asked for. */
const benchmarks: Readonly<Record<string, () => Promise<() => Promise<BenchRow[]>>>> = {
  classify: async () => (await import('./classify.ts')).benchClassify,
  sandbox: async () => (await import('./sandbox.ts')).benchSandbox,
  execute: async () => (await import('./execute.ts')).benchExecute,
  start: async () => (await import('./start.ts')).benchStart,
  history: async () => (await import('./history.ts')).benchHistory,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, help: { type: 'boolean' } },
})
const names = positionals.length > 0 ? positionals : Object.keys(benchmarks)
const unknown = names.filter((name) => !(name in benchmarks))
if (values.help || unknown.length > 0) {
  process.stdout.write(
    `npm run bench -- [NAME…] [--json FILE]\n\nbenchmarks: ${Object.keys(benchmarks).join(', ')}\n`,
  )
  process.exit(unknown.length > 0 ? 64 : 0)
}

const rows: BenchRow[] = []
for (const name of names) {
  const benchmark = await benchmarks[name]?.()
  if (benchmark) rows.push(...(await benchmark()))
}
const machine = {
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memory_gb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
}
process.stdout.write(
  `${machine.cpu}, ${machine.cores} cores, ${machine.memory_gb} GB, ${machine.date}\n`,
)
// oxlint-disable-next-line no-console -- a table is what this program prints
console.table(rows)
if (values.json !== undefined) {
  await writeFile(values.json, `${JSON.stringify({ machine, rows }, null, 1)}\n`)
}

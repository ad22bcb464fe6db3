import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'unbash'
import { classify } from '#hub/trust/classify.ts'
import { loadTrustRules } from '#hub/trust/load-trust-rules.ts'
import { TrustManager } from '#hub/trust/trust-manager.ts'
import { silentLogger } from '@centralpost/shared'
import { hostileTexts } from './hostile-texts.ts'
import type { BenchRow } from './bench-row.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const rulesPath = `${repository}config/trust_rules.yaml`
const rounds = 8

/**
 * Times the classifier per command beside the shape it replaces (the seed's patterns in sequence on the raw text) and beside
 * bare parsing, over the corpora named by CENTRALPOST_CORPORA where there are some, else over our own.
 */
export async function benchClassify(): Promise<BenchRow[]> {
  const commands = readCommands()
  const { policy } = await loadTrustRules(rulesPath)
  await using trust = await TrustManager.open({ rulesPath, log: silentLogger })
  const seed = seedPatterns()
  const known = commands.filter((command) => command.length <= 2048).slice(0, 900)
  return [
    time('centralpost', commands, (command) => classify(command, {}, policy)),
    time('centralpost-repeat', known, (command) => trust.classifyCommand(command)),
    time('unbash-parse', commands, (command) => parse(command)),
    time('seed-regexes', commands, (command) => seed.find((regex) => regex.test(command))),
    time(
      'hostile-16k',
      Object.values(hostileTexts()),
      (command) => classify(command, {}, policy),
      6,
    ),
  ]
}

function time(
  name: string,
  commands: readonly string[],
  run: (command: string) => unknown,
  count = rounds,
): BenchRow {
  const best = new Float64Array(commands.length).fill(Number.POSITIVE_INFINITY)
  for (let round = 0; round < count; round += 1) {
    commands.forEach((command, index) => {
      const start = process.hrtime.bigint()
      run(command)
      const ms = Number(process.hrtime.bigint() - start) / 1e6
      // The least of some rounds: what else the machine does is not the classifier's time. Round one warms up.
      if (round > 0 && ms < (best[index] ?? 0)) best[index] = ms
    })
  }
  const sorted = best.toSorted()
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  const total = sorted.reduce((sum, ms) => sum + ms, 0)
  return {
    benchmark: 'classify',
    case: name,
    n: commands.length,
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
    per_second: Math.round((commands.length / total) * 1000),
  }
}

function readCommands(): string[] {
  const named = process.env['CENTRALPOST_CORPORA']
  const directory = named !== undefined && existsSync(named) ? named : `${repository}test/corpora`
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(`${directory}/${name}`, 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { command: string }).command)
    .filter((command) => command.length < 8192)
}

/** The plain patterns of the shipped file, tried as the seed does: blocked, safe, review, on the raw text. */
function seedPatterns(): RegExp[] {
  const patterns: Record<string, string[]> = { blocked: [], safe: [], review: [] }
  let level = ''
  for (const line of readFileSync(rulesPath, 'utf8').split('\n')) {
    level = /^(safe|review|blocked):$/.exec(line)?.[1] ?? (/^\S/.test(line) ? '' : level)
    const pattern = /^ {2}- '(.*)'$/.exec(line)?.[1]
    if (pattern !== undefined) patterns[level]?.push(pattern.replaceAll("''", "'"))
  }
  return ['blocked', 'safe', 'review'].flatMap((name) =>
    (patterns[name] ?? []).map((source) => new RegExp(source, 'i')),
  )
}

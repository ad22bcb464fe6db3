import { spawnSync } from 'node:child_process'
import { describe, expect, test } from '@jest/globals'
import { enumerate } from './enumerator/enumerate.ts'

/** The same each time, so that what is found stays found; by hand: `npm run enumerate -- --runs 20000 --seed 7`. */
const limits = { forms: 4000, runs: 300, seed: 20_261_130, inFlight: 2 }
const wholeMs = 300_000

const missing = ['bwrap', 'strace'].filter((name) => spawnSync(name, ['--version']).status !== 0)
const whereTraced = missing.length === 0 ? describe : describe.skip
if (missing.length > 0) {
  process.stderr.write(`the enumerator is skipped: ${missing.join(' and ')} is not installed\n`)
}

whereTraced('what is SAFE, under a tracer', () => {
  test(
    'does no more than read, whatever the real options of the known programs make of it',
    async () => {
      const { found, ...counts } = await enumerate(limits)
      const summary = JSON.stringify({ ...counts, violations: found.length })
      process.stderr.write(`enumerator: ${summary}\n`)
      expect(found).toEqual([])
      expect(counts.runs).toBeGreaterThan(limits.runs / 2)
    },
    wholeMs,
  )
})

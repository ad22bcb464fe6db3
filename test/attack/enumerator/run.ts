import { parseArgs } from 'node:util'
import { enumerate } from './enumerate.ts'

// The long search by hand: npm run enumerate -- --runs 20000 --seed 7
const { values } = parseArgs({
  options: {
    forms: { type: 'string', default: '60000' },
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    'in-flight': { type: 'string', default: '2' },
    only: { type: 'string', multiple: true },
  },
})
const report = await enumerate({
  forms: Number(values.forms),
  runs: Number(values.runs),
  seed: Number(values.seed),
  inFlight: Number(values['in-flight']),
  only: values.only,
})
const { found, ...counts } = report
for (const { command, violations } of found) {
  process.stdout.write(`${command}\n`)
  for (const { kind, what } of violations.slice(0, 3))
    process.stdout.write(`    ${kind}: ${what.slice(0, 200)}\n`)
}
process.stdout.write(`${JSON.stringify({ ...counts, violations: found.length })}\n`)
process.exitCode = found.length > 0 ? 1 : 0

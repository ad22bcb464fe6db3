import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { natsServerProgram, newestNatsServer } from '../../support/nats-program.ts'
import { faults } from './faults.ts'
import { Lab } from './lab.ts'
import { planOf, playRound, toldPlan, warningsOf } from './round.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    history: { type: 'string', default: 'sqlite' },
    server: { type: 'string' },
    fault: { type: 'string' },
    logs: { type: 'string' },
    help: { type: 'boolean' },
  },
})
const backend = values.history
if (values.help === true || (backend !== 'sqlite' && backend !== 'postgres')) {
  process.stdout.write(
    'npm run chaos -- [--rounds N] [--seed N] [--history sqlite|postgres] [--server PATH|newest] [--fault NAME] [--logs FOLDER]\n' +
      `\nRounds of faults under load. Round n has seed + n; to see one again: --rounds 1 --seed THAT.\nfaults: ${faults.map(({ name }) => name).join(', ')}\n`,
  )
  process.exit(64)
}

const program = values.server === 'newest' ? newestNatsServer() : values.server
await using lab = await Lab.open(backend, program)
const skipped = faults.flatMap((one) => {
  const why = one.missing(lab)
  return why === null ? [] : [`${one.name} (${why})`]
})
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
say(`${backend}, ${program ?? natsServerProgram()}`)
if (skipped.length > 0) say(`not tried: ${skipped.join(', ')}`)
const tried = new Map<string, number>()
let acknowledged = 0
let broken = 0
for (let n = 0; n < Number(values.rounds); n += 1) {
  const plan = planOf(Number(values.seed) + n, lab, values.fault)
  for (const { fault } of plan.faults) tried.set(fault.name, (tried.get(fault.name) ?? 0) + 1)
  const outcome = await playRound(plan, lab)
  acknowledged += outcome.acknowledged
  if (outcome.violations.length > 0) broken += 1
  say(
    `${toldPlan(plan)}: ${outcome.acknowledged} acknowledged, ${outcome.violations.length} violations`,
  )
  if (values.logs !== undefined) {
    await writeFile(
      join(values.logs, `${plan.seed}.log`),
      `${outcome.log.join('\n')}\n${outcome.hubLog}`,
    )
  }
  if (outcome.violations.length === 0) continue
  say(`  ${outcome.violations.slice(0, 20).join('\n  ')}`)
  say(`  the round:\n    ${outcome.log.join('\n    ')}`)
  say(`  what the hub warned of last:\n    ${warningsOf(outcome.hubLog).join('\n    ')}`)
}
say(
  `${values.rounds} rounds, ${acknowledged} acknowledged, ${broken} rounds with violations; ` +
    [...tried].map(([name, times]) => `${name} ${times}`).join(', '),
)
process.exitCode = broken === 0 ? 0 : 1

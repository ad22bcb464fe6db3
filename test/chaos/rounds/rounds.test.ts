import { findPostgres } from '../../support/postgres.ts'
import { missingNewest, newestNatsServer } from '../../support/nats-program.ts'
import { type Backend, Lab } from './lab.ts'
import { planOf, playRound, toldPlan, warningsOf } from './round.ts'

// Ten rounds of many: `npm run chaos -- --rounds 200 --seed N` plays as many as one likes, and one of them again.

const seed = Number(process.env['CENTRALPOST_CHAOS_SEED'] ?? 2026)

/** @returns what did not hold, with the seed and what happened when */
async function played(backend: Backend, from: number, count: number, program?: string) {
  await using lab = await Lab.open(backend, program)
  const broken: string[] = []
  const seeds = Array.from({ length: count }, (_, n) => from + n).values()
  const play = async (): Promise<void> => {
    for (const n of seeds) {
      const { plan, violations, log, hubLog } = await playRound(planOf(n, lab), lab)
      if (violations.length === 0) continue
      broken.push(toldPlan(plan), ...violations, ...log, ...warningsOf(hubLog))
    }
  }
  // a round waits most of its time; those on one database server would meet each other's faults
  await Promise.all(Array.from({ length: backend === 'sqlite' ? 2 : 1 }, play))
  return broken.join('\n')
}

test('rounds of faults on SQLite lose nothing, repeat nothing and leave nothing behind', async () => {
  expect(await played('sqlite', seed, 5)).toBe('')
}, 900_000)

const describePostgres = findPostgres() === undefined ? describe.skip : describe
describePostgres('on PostgreSQL', () => {
  test('rounds do as well', async () => {
    expect(await played('postgres', seed + 10, 3)).toBe('')
  }, 900_000)
})

const newest = newestNatsServer()
const describeNewest = newest === undefined ? describe.skip : describe
describeNewest(newest === undefined ? missingNewest : 'on the newest nats-server', () => {
  test('rounds do as well', async () => {
    expect(await played('sqlite', seed + 20, 2, newest)).toBe('')
  }, 900_000)
})

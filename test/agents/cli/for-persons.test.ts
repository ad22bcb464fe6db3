import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { join } from 'node:path'
import type { HistoryEntry } from '@centralpost/shared'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'
import { cli, type CliEnded } from './run-cli.ts'

// What a person reads, and not a program: the words and the times.

let it: TestHub

beforeAll(async () => {
  it = await TestHub.start()
  const alice = await it.operator('alice')
  const held = await (
    await it.agent()
  ).requestAction({ command: 'mkdir made', actionId: 'made', env: {} })
  await eventually(() => alice.approve('made', { decision: 'approve_always_exact' }))
  await held.result()
})

afterAll(async () => {
  await it[Symbol.asyncDispose]()
})

const run = (zone: string, ...args: string[]): Promise<CliEnded> =>
  cli(args, {
    env: { CENTRALPOST_DATA: it.dataDir, CENTRALPOST_OPERATOR: 'alice', TZ: zone },
    cwd: it.workspace,
  })

describe('times', () => {
  test('are those of this machine, as --since and --until read them', async () => {
    // half an hour apart from every whole zone, and never on London's day for long
    const zone = 'Asia/Kolkata'
    const { entries } = JSON.parse((await run(zone, 'history', '--json')).stdout) as {
      entries: HistoryEntry[]
    }
    const asked = new Date(entries[0]?.requested_at ?? '')
    const local = new Date(asked.getTime() + 5.5 * 3_600_000).toISOString()
    const shown = local.slice(0, 19).replace('T', ' ')
    expect((await run(zone, 'history')).stdout).toContain(`${shown}  made`)
    expect((await run(zone, 'history', '--since', shown)).stdout).toContain('made')
    expect((await run(zone, 'history', '--until', shown)).stdout).not.toContain('made')
    // a day begins at midnight here
    const midnight = new Date(`${local.slice(0, 10)}T00:00:00+05:30`)
    const day = await run(zone, 'history', '--since', local.slice(0, 10), '--json')
    expect(asked.getTime()).toBeGreaterThanOrEqual(midnight.getTime())
    expect(day.stdout).toContain('"made"')
  })

  test('of rules and of the audit trail are times, and no numbers', async () => {
    const rules = await run('UTC', 'rules', 'list')
    expect(rules.stdout).toMatch(/agent agent-a +alice +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d/)
    const shown = await run('UTC', 'history', 'show', 'made')
    expect(shown.stdout).toMatch(/pending +until: 20\d\d-\d\d-\d\dT/)
    expect(shown.stdout).toMatch(/expires at: 20\d\d-\d\d-\d\dT/)
    expect(shown.stdout).toMatch(/^duration +(?:\d+ ms|\d+\.\d s)$/m)
    expect(shown.stdout).toMatch(/^timeout +5 min 0 s$/m)
    expect(shown.stdout).not.toContain('{}')
    const stats = await run('UTC', 'history', 'stats')
    expect(stats.stdout).toMatch(/^success rate +100 %$/m)
    expect(stats.stdout).toMatch(/^avg duration +(?:\d+ ms|\d+\.\d s)$/m)
  })

  test('a rule that was revoked tells by whom', async () => {
    const [rule] = JSON.parse((await run('UTC', 'rules', 'list', '--json')).stdout) as [
      { rule_id: string },
    ]
    await run('UTC', 'rules', 'revoke', rule.rule_id)
    expect((await run('UTC', 'rules', 'list', '--all')).stdout).toContain('revoked by alice')
  })
})

test('in a folder where no CentralPost was started, it says so and where to go', async () => {
  const nowhere = join(it.workspace, 'nowhere')
  for (const args of [['pending'], ['request', '--', 'ls'], ['tail']]) {
    const { code, stderr } = await cli(args, { env: { CENTRALPOST_DATA: nowhere } })
    expect(stderr).toBe(
      `centralpost: no CentralPost data in ${nowhere}: run this in the folder in which it was started, or name its data directory with --data or CENTRALPOST_DATA\n`,
    )
    expect(code).toBe(66)
  }
})

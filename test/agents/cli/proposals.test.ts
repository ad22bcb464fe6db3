import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AlwaysRule, Proposal } from '@centralpost/shared'
import type { Operator } from '@centralpost/agents'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'
import { hasPty, PtyCli } from '../../support/pty.ts'
import { cli, type CliEnded } from './run-cli.ts'

let it: TestHub
let alice: Operator

beforeAll(async () => {
  it = await TestHub.start()
  alice = await it.operator('alice')
  const agent = await it.agent()
  for (const n of [1, 2, 3]) {
    const held = await agent.requestAction({ command: `mkdir dir-${n}`, actionId: `held-${n}` })
    await eventually(() => alice.approve(held.actionId, { comment: `fine, number ${n}` }))
    await held.result()
  }
}, 30_000)

afterAll(async () => {
  await it[Symbol.asyncDispose]()
})

const env = (): Record<string, string> => ({
  CENTRALPOST_DATA: it.dataDir,
  CENTRALPOST_OPERATOR: 'alice',
})
const run = (...args: string[]): Promise<CliEnded> => cli(args, { env: env(), cwd: it.workspace })
const acceptInTerminal = (): PtyCli =>
  new PtyCli(['proposals', 'accept', 'held-2'], { env: env(), columns: 200 })
const inTerminal = hasPty ? describe : describe.skip

describe('centralpost proposals', () => {
  test('lists the rule, what speaks for it and how it is accepted', async () => {
    const { stdout } = await run('proposals')
    expect(stdout).toMatch(/^mkdir \{name\}$/m)
    expect(stdout).toMatch(/would allow +mkdir with no options, in .*, for agent agent-a$/m)
    expect(stdout).toMatch(/approved +3 times by alice, after .* on average; never denied$/m)
    expect(stdout).toMatch(/accept it +centralpost proposals accept held-3$/m)
    const [proposal] = JSON.parse((await run('proposals', '--json')).stdout) as Proposal[]
    expect(proposal?.support).toHaveLength(3)
    expect(await alice.alwaysRules()).toEqual([])
  }, 30_000)

  test('accept asks a person: into a pipe it makes nothing', async () => {
    const ended = await run('proposals', 'accept', 'held-3')
    expect(ended).toMatchObject({ code: 64, stderr: expect.stringContaining('--yes') })
    expect(await alice.alwaysRules()).toEqual([])
  }, 30_000)

  test('accept of what is not proposed says so', async () => {
    const ended = await run('proposals', 'accept', 'nothing', '--yes')
    expect(ended).toMatchObject({ code: 66, stderr: expect.stringContaining('"nothing"') })
    expect(await alice.alwaysRules()).toEqual([])
  }, 30_000)

  test.each([
    ['--least', '1'],
    ['--limit', 'many'],
    ['--since', 'lately'],
  ])('%s %s is refused', async (option, value) => {
    expect(await run('proposals', option, value)).toMatchObject({ code: 64, stdout: '' })
  })
})

inTerminal('on a terminal, centralpost proposals accept', () => {
  test.each([
    ['no', 'no\n'],
    ['nothing', '\n'],
    ['the end of the input', '\u0004'],
    ['Ctrl-C', '\u0003'],
  ])(
    'makes nothing when the answer is %s',
    async (_what, keys) => {
      await using asking = acceptInTerminal()
      await eventually(() => asking.output.includes('[yes/no]'), 10_000)
      asking.press(keys)
      expect(await asking.ended).toBe(130)
      expect(asking.output).toContain('no rule was made')
      expect(await alice.alwaysRules()).toEqual([])
    },
    30_000,
  )

  test('shows the rule and every approval, and makes it at a yes', async () => {
    await using asking = acceptInTerminal()
    await eventually(() => asking.output.includes('[yes/no]'), 10_000)
    expect(asking.output).toMatch(/would allow +mkdir with no options/)
    for (const n of [1, 2, 3]) {
      expect(asking.output).toMatch(new RegExp(`held-${n} +alice +completed +mkdir dir-${n}`))
    }
    asking.press('yes\n')
    expect(await asking.ended).toBe(0)
    const [rule] = await alice.alwaysRules()
    expect(rule).toMatchObject({ created_by: 'alice', agent_id: 'agent-a' })
    expect(asking.output).toContain(`made the always rule ${rule?.rule_id}`)
    await alice.revokeRule(rule?.rule_id ?? '')
  }, 30_000)
})

test('accept --yes makes the rule without a terminal, for the time that is said', async () => {
  const options = ['--yes', '--json', '--expires-in', '90', '--comment', 'enough of it']
  const { code, stdout } = await run('proposals', 'accept', 'held-3', ...options)
  expect(code).toBe(0)
  const rule = JSON.parse(stdout) as AlwaysRule
  expect(Date.parse(rule.expires_at) - Date.parse(rule.created_at)).toBe(90_000)
  expect((await run('proposals')).stdout).toContain('rules exist already')

  // what operators said is told apart from what was done
  const shown = (await run('history', 'show', 'held-3')).stdout
  expect(shown).toMatch(/^comment +alice: fine, number 3$/m)
  expect(shown).toMatch(/^comment +alice: enough of it$/m)
  expect(shown).toMatch(/  approved +by: alice; comment: fine, number 3$/m)
}, 30_000)

import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ActionResult, type AlwaysRule, newActionId } from '@centralpost/shared'
import type { Operator } from '@centralpost/agents'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'
import { Cli, cli, type CliEnded } from './run-cli.ts'

let it: TestHub
let alice: Operator

beforeAll(async () => {
  it = await TestHub.start({ config: { approvals: { pending: 20 } } })
  alice = await it.operator('alice')
})

afterAll(async () => {
  await it[Symbol.asyncDispose]()
})

const env = (): Record<string, string> => ({
  CENTRALPOST_DATA: it.dataDir,
  CENTRALPOST_OPERATOR: 'alice',
})
const run = (...args: string[]): Promise<CliEnded> => cli(args, { env: env(), cwd: it.workspace })
const start = (...args: string[]): Cli => new Cli(args, { env: env(), cwd: it.workspace })
const request = (...args: string[]): Promise<CliEnded> => run('request', '--agent=agent-a', ...args)
const startRequest = (...args: string[]): Cli => start('request', '--agent=agent-a', ...args)

const askAlways = (actionId: string): Cli =>
  startRequest('--wait', `--action-id=${actionId}`, '--', 'touch', 'always-this')

const isPending = (actionId: string): Promise<unknown> =>
  eventually(async () => (await alice.pending()).some((asked) => asked.action_id === actionId))

describe('centralpost request', () => {
  test('--wait --json prints the result object and nothing else', async () => {
    const { code, stdout, stderr } = await request('--wait', '--json', '--', 'git', '--version')
    expect(stderr).toBe('')
    const result = JSON.parse(stdout) as ActionResult
    expect(result).toMatchObject({ status: 'completed', agent_id: 'agent-a', cwd: it.workspace })
    expect(result.stdout).toMatch(/^git version/)
    expect(code).toBe(0)
  })

  test('--wait prints what the command printed, byte for byte into a pipe', async () => {
    const { code, stdout, stderr } = await request('--wait', '--', String.raw`printf '\033[1mx\n'`)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '\u001b[1mx\n', stderr: '' })
  })

  test('sends one word as a command text and several as words that no shell reads', async () => {
    expect((await request('--wait', '--', 'echo a    b | tr a c')).stdout).toBe('c b\n')
    expect((await request('--wait', '--', 'echo', 'a    b | tr a c')).stdout).toBe(
      'a    b | tr a c\n',
    )
  })

  test('takes the options of the command for what they are, without --', async () => {
    expect((await request('--wait', 'echo', '--json')).stdout).toBe('--json\n')
  })

  test('without --wait prints the action id, by which the result is found', async () => {
    const { code, stdout } = await request('--', 'echo later')
    expect(code).toBe(0)
    const actionId = stdout.trim()
    await eventually(async () => (await alice.result(actionId)).result !== null)
    const shown = await run('result', actionId)
    expect(shown.code).toBe(0)
    expect(shown.stdout).toMatch(/later/)
    const result = JSON.parse((await run('result', actionId, '--json')).stdout) as ActionResult
    expect(result).toMatchObject({ action_id: actionId, stdout: 'later\n' })
  })

  test('--stream prints output while the command runs', async () => {
    await using running = startRequest('--stream', '--', 'echo first; sleep 1; echo second')
    await eventually(() => running.stdout === 'first\n')
    expect((await running.ended).stdout).toBe('first\nsecond\n')
  })

  test('the same action id twice is one action', async () => {
    const actionId = newActionId()
    const args = ['--wait', '--json', `--action-id=${actionId}`, '--', 'echo', 'once']
    const first = await request(...args)
    expect(await request(...args)).toEqual(first)
  })

  test.each([
    ['a failed command', ['--', 'ls', '/does/not/exist'], 2, 'failed, exit code 2'],
    ['a BLOCKED command', ['--', 'cat ~/.ssh/id_rsa'], 77, 'denied'],
    ['a rejected request', ['--cwd', '/', '--', 'ls'], 65, 'rejected, cwd'],
    ['a command over its time', ['--timeout', '0.3', '--', 'sleep 20'], 124, 'timed out'],
  ])('--wait ends with a code and a line of its own for %s', async (_, args, exitCode, line) => {
    const { code, stderr } = await request('--wait', ...args)
    expect(stderr).toContain(line)
    expect(code).toBe(exitCode)
  })

  test('--wait-timeout gives up and says that the action goes on', async () => {
    const { code, stderr } = await request('--wait-timeout', '0.3', '--', 'touch never')
    expect(code).toBe(69)
    expect(stderr).toContain('has no result after 300 ms')
  })

  test('a wait that takes long says what the action waits for', async () => {
    const actionId = newActionId()
    await using running = startRequest('--wait', `--action-id=${actionId}`, '--', 'touch never')
    await eventually(() => running.stderr.includes(`centralpost approve ${actionId}`))
    await alice.deny(actionId, 'the test is over')
    expect((await running.ended).code).toBe(77)
  })

  test('an interrupted wait says how to find the action again', async () => {
    const actionId = newActionId()
    await using running = startRequest('--wait', `--action-id=${actionId}`, '--', 'touch never')
    await isPending(actionId)
    running.kill('SIGINT')
    const { code, stderr } = await running.ended
    expect(stderr).toContain(`centralpost result ${actionId}`)
    expect(code).toBe(130)
    await alice.deny(actionId, 'the test is over')
  })
})

describe('centralpost pending, approve, deny, cancel', () => {
  test('an operator sees what waits, approves it and sees what was approved', async () => {
    const actionId = newActionId()
    await using asking = startRequest(
      '--wait',
      '--context=a \u001b[31mred\u202e note',
      `--action-id=${actionId}`,
      '--',
      'touch',
      'approved-by-cli',
    )
    await isPending(actionId)
    const listed = await run('pending')
    expect(listed.stdout).toMatch(new RegExp(`${actionId} +agent-a +low .*touch approved-by-cli`))
    const shown = await run('pending', actionId)
    expect(shown.stdout).toContain(String.raw`a \x1b[31mred\u{202e} note`)
    expect(JSON.parse((await run('pending', '--json')).stdout)).toMatchObject([
      { action_id: actionId, trust_level: 'REVIEW' },
    ])
    expect((await run('approve', actionId, '--digest', 'wrong')).code).toBe(73)
    const approved = await run('approve', actionId, '--comment', 'fine')
    expect(approved.stdout).toContain('touch approved-by-cli')
    expect(approved.stdout).toContain(`approved ${actionId} of agent-a`)
    expect((await asking.ended).code).toBe(0)
    expect(existsSync(join(it.workspace, 'approved-by-cli'))).toBe(true)
    const late = await run('deny', actionId, '--reason', 'too late')
    expect(late.code).toBe(73)
    expect(late.stderr).toContain('alice')
  })

  test('an approval for always makes a rule that is listed, used and revoked', async () => {
    const first = newActionId()
    await using asking = askAlways(first)
    await isPending(first)
    expect((await run('rules', 'list')).stdout).toBe('no always rules are in force\n')
    const approved = await run('approve', first, '--decision', 'approve_always_exact')
    expect(approved.stdout).toContain('made the always rule')
    expect((await asking.ended).code).toBe(0)
    await using again = askAlways(newActionId())
    expect((await again.ended).code).toBe(0)
    const [rule] = JSON.parse((await run('rules', 'list', '--json')).stdout) as AlwaysRule[]
    expect(rule).toMatchObject({ created_by: 'alice', agent_id: 'agent-a', uses: 1 })
    expect((await run('rules', 'list')).stdout).toMatch(/ agent agent-a +alice /)
    expect((await run('rules', 'revoke', rule?.rule_id ?? '')).code).toBe(0)
    const third = newActionId()
    await using waiting = askAlways(third)
    await isPending(third)
    await alice.deny(third, 'the rule is gone')
    expect((await waiting.ended).code).toBe(77)
  })

  test('a denial reaches the agent with its reason', async () => {
    const actionId = newActionId()
    await using asking = startRequest('--wait', `--action-id=${actionId}`, '--', 'touch denied')
    await isPending(actionId)
    const denied = await run('deny', actionId, '--reason', 'not today', '--suggestion', 'tomorrow')
    expect(denied).toMatchObject({ code: 0, stdout: `denied ${actionId} of agent-a\n` })
    const { code, stderr } = await asking.ended
    expect(stderr).toContain('not today')
    expect(stderr).toContain('instead: tomorrow')
    expect(code).toBe(77)
  })

  test('a cancelled action ends with a code of its own', async () => {
    const actionId = newActionId()
    await using asking = startRequest('--wait', `--action-id=${actionId}`, '--', 'sleep 30')
    await eventually(async () => (await alice.result(actionId)).state === 'running')
    expect((await run('cancel', actionId, '--reason', 'enough')).code).toBe(0)
    const { code, stderr } = await asking.ended
    expect(stderr).toContain('enough')
    expect(code).toBe(79)
  })

  test('what is not there is said with code 66', async () => {
    for (const args of [
      ['result', 'no-such-action'],
      ['approve', 'no-such-action'],
      ['cancel', 'no-such-action'],
      ['pending', 'no-such-action'],
      ['history', 'show', 'no-such-action'],
    ]) {
      const { code, stderr } = await run(...args)
      expect(stderr).toContain('no-such-action')
      expect(code).toBe(66)
    }
  })
})

describe('centralpost tail', () => {
  test('prints the life of an action, and nothing that could drive a terminal', async () => {
    await using tail = start('tail', '--agent', 'agent-a', '--workflow', 'tailed')
    await eventually(() => tail.stderr.includes('listening'))
    await request('--wait', '--', 'echo of another workflow')
    const shell = String.raw`printf 'one\ntwo \033]0;title\007\n'`
    const actionId = newActionId()
    await request('--wait', '--workflow=tailed', `--action-id=${actionId}`, '--', shell)
    await eventually(() => tail.stdout.includes('ended:'))
    tail.kill('SIGTERM')
    const { code, stdout } = await tail.ended
    expect(code).toBe(0)
    const lines = stdout.split('\n').filter((line) => line !== '')
    expect(lines.every((line) => /^\d\d:\d\d:\d\d /.test(line))).toBe(true)
    expect(lines.map((line) => line.slice(9))).toEqual([
      expect.stringContaining('agent-a ' + actionId + ' asks printf'),
      expect.stringContaining('runs printf'),
      `agent-a ${actionId} | one`,
      `agent-a ${actionId} | two ${String.raw`\x1b]0;title\x07`}`,
      expect.stringContaining('ended: completed'),
    ])
  })

  test('--json prints each message as it came, with its subject', async () => {
    await using tail = start('tail', 'SYSTEM_ACTION_RESULT.>', '--json')
    await eventually(() => tail.stderr.includes('listening'))
    await request('--wait', '--', 'echo', 'seen')
    const line = await eventually(() => tail.stdout.split('\n').find((text) => text !== ''))
    expect(JSON.parse(line)).toMatchObject({
      subject: expect.stringMatching(/^SYSTEM_ACTION_RESULT\.agent-a\./),
      message: { status: 'completed', stdout: 'seen\n' },
    })
  })
})

describe('centralpost history', () => {
  test('lists, finds, shows, counts and verifies', async () => {
    const actionId = newActionId()
    await request('--wait', `--action-id=${actionId}`, '--', 'echo', 'findable-word')
    expect((await run('history', '--limit', '3')).stdout).toContain(actionId)
    const found = await run('history', 'search', 'findable-word', '--json')
    expect(JSON.parse(found.stdout)).toMatchObject({ entries: [{ action_id: actionId }] })
    expect((await run('history', 'search', '"(* NEAR')).code).toBe(0)
    expect((await run('history', '--level', 'blocked', '--agent', 'agent-b')).stdout).toBe(
      'nothing is recorded\n',
    )
    expect((await run('history', 'show', actionId)).stdout).toContain('findable-word')
    const stats = await run('history', 'stats', '--json', 'echo findable-word')
    expect(JSON.parse(stats.stdout)).toMatchObject({ total_executions: 1, successful: 1 })
    const verified = await run('history', 'verify')
    expect(verified.stdout).toContain('the audit chain is intact')
    expect(verified.code).toBe(0)
  })

  test('tells what the audit trail has of an action, and how others like it went', async () => {
    const actionId = newActionId()
    await request('--wait', `--action-id=${actionId}`, '--', 'echo', 'audited')
    const shown = (await run('history', 'show', actionId)).stdout
    expect(shown).toMatch(/requested[^]*classified[^]*SAFE[^]*started[^]*finished/)
    expect((await run('history', 'stats', 'echo audited')).stdout).toMatch(/all of that form/)
    const best = await run('history', 'search', '--best', '--limit', '1', 'echo')
    expect(best.stdout).toMatch(/more: --cursor \S+/)
    const [, cursor = ''] = /--cursor (\S+)/.exec(best.stdout) ?? []
    const next = await run(
      'history',
      'search',
      '--best',
      '--limit',
      '1',
      '--cursor',
      cursor,
      'echo',
    )
    expect(next.stdout).toContain('echo')
    expect((await run('history', '--since', '1h', '--json')).stdout).toContain(actionId)
    expect((await run('history', '--until', '1h', '--json')).stdout).not.toContain(actionId)
    expect((await run('history', '--since', 'yesterday-ish')).code).toBe(64)
    const odd = await run('history', '--status', 'finished')
    expect(odd).toMatchObject({ code: 64, stderr: expect.stringContaining('completed, failed') })
  })

  test('compares the chain with a checkpoint that was kept outside', async () => {
    const file = join(it.workspace, 'checkpoints')
    expect((await run('history', 'verify', '--checkpoint', file)).code).toBe(0)
    await request('--wait', '--', 'echo', 'one more')
    const same = await run('history', 'verify', '--against', file)
    expect(same.stdout).toContain('1 checkpoints')
    expect(same.code).toBe(0)
    await writeFile(file, `${JSON.stringify({ seq: 1_000_000, hash: 'f'.repeat(64) })}\n`)
    const cut = await run('history', 'verify', '--against', file)
    expect(cut.stdout).toMatch(/BROKEN.*missing/)
    expect(cut.code).toBe(1)
    await writeFile(file, 'no checkpoint')
    expect((await run('history', 'verify', '--against', file)).stderr).toContain(file)
  })

  test('exports, and lists what works, fails and is proposed', async () => {
    await request('--wait', '--', 'echo', 'exported, "quoted"')
    const csv = await run('history', 'export', '--format', 'csv', 'exported')
    expect(csv.stdout).toMatch(/^execution_id,requested_at,/)
    expect(csv.stdout).toContain('exported, ')
    const lines = (await run('history', 'export', '--status', 'completed')).stdout
      .trim()
      .split('\n')
    expect(
      lines.every((line) => (JSON.parse(line) as { status: string }).status === 'completed'),
    ).toBe(true)
    expect((await run('history', 'successes', '--least', '1')).stdout).toContain('echo {')
    expect((await run('history', 'failures')).code).toBe(0)
    expect((await run('history', 'violations')).stdout).toContain('no Python or pip ran outside')
    expect((await run('history', 'segments')).stdout).toBe('nothing was sealed\n')
    expect((await run('patterns', 'create', 'release', 'git tag v1', 'git push --tags')).code).toBe(
      0,
    )
    expect((await run('patterns', '--mine')).stdout).toContain('git tag {name}')
    expect((await run('proposals')).stdout).toContain('no command was approved often enough')
  })
})

test('a request made while no hub is there says so, and is served when one is', async () => {
  await it.stopHub()
  await using asking = startRequest('--wait', '--', 'echo', 'served in the end')
  await eventually(() => asking.stderr.includes('no hub answers; the request is stored'), 15_000)
  await it.startHub()
  expect(await asking.ended).toMatchObject({ code: 0, stdout: 'served in the end\n' })
}, 30_000)

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Agent, Operator } from '@centralpost/agents'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'
import { hasPty, PtyCli } from '../../support/pty.ts'
import { Cli } from './run-cli.ts'

let it: TestHub
let agent: Agent
let bob: Operator

beforeAll(async () => {
  it = await TestHub.start({ config: { approvals: { denials_to_cool_down: 100 } } })
  agent = await it.agent('agent-a')
  bob = await it.operator('bob')
})

afterAll(async () => {
  await it[Symbol.asyncDispose]()
})

const env = (): Record<string, string> => ({
  CENTRALPOST_DATA: it.dataDir,
  CENTRALPOST_OPERATOR: 'alice',
})

const given = '\u001b[?1049l'

const onPty = hasPty ? describe : describe.skip

onPty('centralpost pending --watch on a terminal', () => {
  test('shows what arrives, approves with a, denies with a reason, and gives the terminal back', async () => {
    await using screen = new PtyCli(['pending', '--watch'], { env: env() })
    await eventually(() => screen.screen.includes('Nothing waits for approval'))
    const made = await agent.requestAction({ command: 'touch pty-made', cwd: it.workspace })
    await eventually(() => screen.screen.includes('command        touch pty-made'))
    screen.press('a')
    expect((await made.result()).approved_by).toBe('alice')
    expect(existsSync(join(it.workspace, 'pty-made'))).toBe(true)
    await eventually(() => screen.screen.includes('you approved agent-a touch pty-made'))

    const not = await agent.requestAction({ command: 'touch pty-not', cwd: it.workspace })
    await eventually(() => screen.screen.includes('command        touch pty-not'))
    await delay(400)
    screen.press('d')
    await eventually(() => screen.screen.includes('deny, reason:'))
    screen.press('use another name\r')
    expect(await not.result()).toMatchObject({ status: 'denied', reason: 'use another name' })
    await eventually(() => screen.screen.includes('you denied'))
    screen.press('q')
    expect(await screen.ended).toBe(0)
    expect(screen.output).toContain(given)
    expect(screen.output.slice(screen.output.lastIndexOf(given))).toMatch(/ icanon/)
  })

  test('shows what another operator decides, and goes on over a restart of the broker', async () => {
    await using screen = new PtyCli(['pending', '--watch'], { env: env() })
    await eventually(() => screen.screen.includes('Nothing waits'))
    const first = await agent.requestAction({ command: 'touch by-bob', cwd: it.workspace })
    await eventually(() => screen.screen.includes('touch by-bob'))
    await bob.deny(first.actionId, 'bob says no')
    await eventually(() =>
      screen.screen.includes('denied by bob: agent-a touch by-bob: bob says no'),
    )
    await it.broker.kill9()
    await eventually(() => screen.output.includes('NO HUB'))
    await it.broker.isBack()
    await eventually(() => screen.screen.includes('the hub answers again'))
    const second = await agent.requestAction({ command: 'touch after', cwd: it.workspace })
    await eventually(() => screen.screen.includes('command        touch after'))
    await delay(1100)
    screen.press('a')
    expect((await second.result()).status).toBe('completed')
  })

  test('an always rule is made only as it was previewed', async () => {
    await using screen = new PtyCli(['pending', '--watch'], { env: env() })
    await eventually(() => screen.screen.includes('Nothing waits'))
    const action = await agent.requestAction({ command: 'touch ruled', cwd: it.workspace })
    await eventually(() => screen.screen.includes('command        touch ruled'))
    screen.press('A')
    await eventually(() => screen.screen.includes('1  exactly ["touch","ruled"]'))
    screen.press('1')
    await eventually(() => screen.screen.includes('always allow from now on'))
    screen.press('y')
    expect((await action.result()).status).toBe('completed')
    await eventually(() => screen.screen.includes('made the rule'))
    const [rule] = await bob.alwaysRules()
    expect(rule?.description).toContain('exactly ["touch","ruled"]')
  })

  test.each(['TERM', 'INT', 'HUP'])('gives the terminal back on SIG%s', async (signal) => {
    await using screen = new PtyCli(['pending', '--watch'], { env: env() })
    await eventually(() => screen.screen.includes('Nothing waits'))
    await screen.signal(signal)
    await screen.ended
    expect(screen.output.slice(screen.output.lastIndexOf(given))).toMatch(/ icanon/)
  })

  test('gives the terminal back when it crashes, and the stack can be read after', async () => {
    const crash = 'process.on("SIGUSR2", () => { throw new Error("crashed on purpose") })'
    await using screen = new PtyCli(['pending', '--watch'], {
      env: { ...env(), NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(crash)}` },
    })
    await eventually(() => screen.screen.includes('Nothing waits'))
    await screen.signal('USR2')
    await screen.ended
    const after = screen.output.slice(screen.output.lastIndexOf(given))
    expect(after).toContain('crashed on purpose')
    expect(after).toMatch(/ icanon/)
  })
})

describe('centralpost pending --watch into a pipe', () => {
  test('lists again on every change, and goes on over a restart of the broker', async () => {
    await using watch = new Cli(['pending', '--watch', '--json'], { env: env() })
    await eventually(() => watch.stdout.includes('[]'))
    await it.broker.kill9()
    await it.broker.isBack()
    await eventually(() => watch.stderr.includes('the hub answers again'))
    const action = await agent.requestAction({ command: 'touch piped', cwd: it.workspace })
    await eventually(() => watch.stdout.includes('touch piped'))
    await bob.deny(action.actionId, 'no')
    await eventually(() => watch.stdout.trimEnd().endsWith('[]'))
    watch.kill('SIGTERM')
    expect((await watch.ended).code).toBe(0)
  })
})

describe('centralpost tail', () => {
  test('goes on over a restart of the broker, and says so', async () => {
    await using tail = new Cli(['tail', '--status', 'completed'], { env: env() })
    await eventually(() => tail.stderr.includes('listening at'))
    await it.broker.kill9()
    await it.broker.isBack()
    await eventually(() => tail.stderr.includes('listening again'))
    expect(tail.stderr).toContain('the broker is away')
    const failing = await agent.requestAction({ command: 'false', cwd: it.workspace })
    await failing.result()
    const action = await agent.requestAction({ command: 'ls', cwd: it.workspace })
    await action.result()
    await eventually(() => tail.stdout.includes(action.actionId))
    expect(tail.stdout).not.toContain(failing.actionId)
    expect(tail.stdout).not.toContain('\u001b[')
  })

  test('--level shows actions of that level, with their output', async () => {
    await using tail = new Cli(['tail', '--level', 'safe'], { env: env() })
    await eventually(() => tail.stderr.includes('listening at'))
    const review = await agent.requestAction({ command: 'touch tailed', cwd: it.workspace })
    await eventually(async () => (await bob.pending()).length > 0)
    await bob.approve(review.actionId)
    await review.result()
    const safe = await agent.requestAction({ command: 'echo hello-there', cwd: it.workspace })
    await safe.result()
    await eventually(() => tail.stdout.includes('ended:'))
    expect(tail.stdout).toContain('| hello-there')
    expect(tail.stdout).not.toContain(review.actionId)
  })
})

onPty('centralpost tail on a terminal', () => {
  test('is coloured, and not where NO_COLOR is set', async () => {
    expect(await tailed({})).toContain('\u001b[32m')
    expect(await tailed({ NO_COLOR: '1' })).not.toContain('\u001b[32m')
  })
})

async function tailed(more: Record<string, string>): Promise<string> {
  await using tail = new PtyCli(['tail', '--status=completed'], { env: { ...env(), ...more } })
  await eventually(() => tail.output.includes('listening at'))
  await (await agent.requestAction({ command: 'ls', cwd: it.workspace })).result()
  await eventually(() => tail.output.includes('ended:'))
  return tail.output
}

test('the first call after the death of the broker is answered as soon as it is back', async () => {
  for (let round = 0; round < 3; round += 1) {
    await it.broker.kill9()
    await expect(bob.pending()).resolves.toEqual([])
  }
})

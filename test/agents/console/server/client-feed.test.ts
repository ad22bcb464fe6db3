import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Bus, outputSubject, silentLogger, startSubject } from '@centralpost/shared'
import { keyOf } from '#agents/console/wire/feed-message.ts'
import { LoginLinks } from '#agents/console/server/login-links.ts'
import { OutputTail } from '#agents/console/server/output-tail.ts'
import { levelSpans } from '#agents/console/wire/level-spans.ts'
import { startConsole } from '../../../support/console.ts'
import { eventually } from '../../../support/eventually.ts'
import { collectGarbage } from '../../../support/garbage.ts'
import { TestHub } from '../../../support/hub.ts'
import { TempDir } from '../../../support/temp-dir.ts'

describe('the end of an output', () => {
  test('is bounded, and what is left out is counted', () => {
    const tail = new OutputTail()
    for (let n = 0; n < 5000; n += 1) tail.push('stdout', `${n} ${'x'.repeat(1000)}\n`, 0)
    const { pieces, leftOut } = tail.read()
    const kept = pieces.reduce((sum, { data }) => sum + data.length, 0)
    expect(kept).toBeLessThanOrEqual(256 * 1024)
    expect(kept + leftOut).toBe(
      Array.from({ length: 5000 }, (_, n) => `${n} `.length + 1001).reduce((a, b) => a + b),
    )
    expect(pieces.at(-1)?.data.endsWith(`4999 ${'x'.repeat(1000)}\n`)).toBe(true)
  })

  test('keeps the streams apart and in order', () => {
    const tail = new OutputTail()
    tail.push('stdout', 'a', 0)
    tail.push('stdout', 'b', 0)
    tail.push('stderr', 'c', 7)
    tail.push('stdout', 'd', 0)
    expect(tail.take(1000)).toEqual({
      pieces: [
        { stream: 'stdout', data: 'ab' },
        { stream: 'stderr', data: 'c' },
        { stream: 'stdout', data: 'd' },
      ],
      leftOut: 7,
    })
    expect(tail.isEmpty).toBe(true)
  })
})

function usedBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed + process.memoryUsage().external
}

describe('a page that does not read', () => {
  test('costs the server a fixed amount, however much is printed', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const login = await fetch(`${console.url}/login`, {
      method: 'POST',
      headers: { origin: console.url, 'content-type': 'application/json' },
      body: JSON.stringify({ token: new URL(console.newLoginLink()).hash.slice(1) }),
    })
    const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const { key } = (await login.json()) as { key: string }
    const headers = { cookie, 'x-centralpost-key': key, origin: console.url }
    const { promise: feed, resolve } = Promise.withResolvers<string>()
    const stream = request(`${console.url}/api/events`, { headers, agent: false }, (answer) => {
      answer.once('data', (first: Buffer) => {
        answer.pause()
        resolve((JSON.parse(first.toString().split('\n')[0] ?? '') as { feed: string }).feed)
      })
    })
    stream.end()
    const ids = { schema: 1, action_id: 'flood', agent_id: 'agent-a' } as const
    await fetch(`${console.url}/api/watch`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({
        feed: await feed,
        action: { agent_id: 'agent-a', action_id: 'flood' },
      }),
    })
    await using bus = await Bus.connect({
      credentials: await it.broker.credentials('hub'),
      name: 'flood',
      log: silentLogger,
    })
    bus.publish(startSubject('agent-a', 'flood'), {
      ...ids,
      workflow_id: null,
      command: 'yes',
      cwd: '/',
      trust_level: 'SAFE',
      approved_by: 'auto',
      timeout: 60,
      started_at: new Date().toISOString(),
      hub_id: 'test-hub',
    })
    const data = 'y\n'.repeat(16_000)
    const publish = async (count: number): Promise<void> => {
      for (let seq = 0; seq < count; seq += 1) {
        bus.publish(outputSubject('agent-a', 'flood'), { ...ids, seq, stream: 'stdout', data })
        if (seq % 50 === 0) await bus.flush()
      }
      await bus.flush()
    }
    await publish(1000)
    await delay(500)
    const warm = usedBytes()
    await publish(3000)
    // 96 MB more went by. The console may still be reading when the broker has taken all.
    let grown = Infinity
    await eventually(() => (grown = usedBytes() - warm) < 30_000_000).catch(() => {})
    expect(grown).toBeLessThan(30_000_000)
    stream.destroy()
  }, 60_000)
})

describe('a link for signing in', () => {
  test('can be used once, in time, by whoever has it whole', async () => {
    await using dir = await TempDir.make()
    const links = new LoginLinks(dir.path)
    const token = links.mint(60_000)
    expect(links.redeem(token.slice(0, -1))).toBe(false)
    expect(links.redeem(token)).toBe(true)
    expect(links.redeem(token)).toBe(false)
    expect(links.redeem(links.mint(-1))).toBe(false)
    // another process on the same data directory
    expect(new LoginLinks(dir.path).redeem(links.mint(60_000))).toBe(true)
  })
})

const unit = (text: string, level: 'SAFE' | 'REVIEW' | 'BLOCKED') => ({
  text,
  level,
  rule: 'r',
  reason: '',
})

describe('the parts of a command', () => {
  test('are found where they lie, however the hub quoted them anew', () => {
    expect(
      levelSpans(`git   status && rm "old thing"; ls`, [
        unit('git status', 'SAFE'),
        unit(`rm 'old thing'`, 'REVIEW'),
        unit('ls', 'SAFE'),
      ]).map(({ text, level }) => [text, level]),
    ).toEqual([
      ['git   status', 'SAFE'],
      [' && ', null],
      ['rm "old thing"', 'REVIEW'],
      ['; ', null],
      ['ls', 'SAFE'],
    ])
  })

  test('lose no character, and the stricter counts where two overlap', () => {
    const command = 'sh -c "rm -rf x"'
    const spans = levelSpans(command, [unit(command, 'SAFE'), unit('rm -rf x', 'BLOCKED')])
    expect(spans.map(({ text }) => text).join('')).toBe(command)
    expect(spans.find(({ text }) => text.includes('rm -rf x'))?.level).toBe('BLOCKED')
    const unknown = [unit('not there', 'BLOCKED'), unit('nor this', 'SAFE')]
    expect(levelSpans('echo a', unknown)).toEqual([
      { from: 0, to: 6, text: 'echo a', level: null, reason: null },
    ])
  })

  test('one part is the whole of a command, and a here-document belongs to its line', () => {
    const levels = (command: string, units: readonly ReturnType<typeof unit>[]) =>
      levelSpans(command, units).map(({ text, level }) => [text, level])
    expect(levels('echo   "a"', [unit('printed otherwise', 'REVIEW')])).toEqual([
      ['echo   "a"', 'REVIEW'],
    ])
    const heredoc = unit("cat >a <<'EOF'\nx = 1\nEOF", 'REVIEW')
    const long = unit(`cat >a <<'EOF'\n${'x = 1\n'.repeat(66).slice(0, 390)}…`, 'REVIEW')
    expect(levels("cat > a <<'E' | wc\nx = 1\nE", [heredoc, unit('wc', 'SAFE')])).toEqual([
      ['cat > a', 'REVIEW'],
      [" <<'E' | ", null],
      ['wc', 'SAFE'],
      ['\n', null],
      ['x = 1', 'REVIEW'],
      ['\nE', null],
    ])
    const body = 'x = 1\n'.repeat(100)
    const spans = levelSpans(`cat > a <<'E'\n${body}E\nls`, [long, unit('ls', 'SAFE')])
    expect(spans.find(({ text }) => text.startsWith('x = 1'))?.level).toBe('REVIEW')
  })

  test('of two agents with one id are two actions', () => {
    expect(keyOf({ agent_id: 'a', action_id: 'x' })).not.toBe(
      keyOf({ agent_id: 'b', action_id: 'x' }),
    )
  })
})

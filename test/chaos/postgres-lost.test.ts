import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, Operator } from '@centralpost/agents'
import type { ActionResult } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestBroker } from '../support/nats-server.ts'
import { findPostgres, TestPostgres } from '../support/postgres.ts'
import { TempDir } from '../support/temp-dir.ts'

const losses = 4
const describePostgres = findPostgres() === undefined ? describe.skip : describe

describePostgres('PostgreSQL that goes away under load', () => {
  test('ends the hub rather than let it guess, and the next one loses and repeats nothing', async () => {
    await using workspace = await TempDir.make()
    await using server = await TestPostgres.start()
    await using broker = await TestBroker.start({ agents: ['agent-a'], operators: ['alice'] })
    await writeFile(join(workspace.path, 'marks'), '')
    await using hub = await HubProcess.make(
      broker.dataDir,
      workspace.path,
      'hub: { id: chaos }\nlog: { level: warn }\n' +
        `history: { backend: postgres, url: "${await server.database()}" }\n` +
        'execution: { parallel: 4, kill_grace: 1, sandbox: { mode: "off" } }\n' +
        'approvals: { pending_per_agent: 10000, execute_within: 300 }\n',
    )
    await hub.start()
    await using agent = await Agent.connect({
      name: 'agent-a',
      credentials: await broker.credentials('agent', 'agent-a'),
    })
    await using operator = await Operator.connect({
      name: 'alice',
      credentials: await broker.credentials('operator', 'alice'),
    })
    const acknowledged = new Map<string, Promise<ActionResult>>()
    const isOver = new AbortController()
    const areResultsThere = new AbortController()
    await using loops = new AsyncDisposableStack()
    loops.defer(() => {
      isOver.abort()
      areResultsThere.abort()
    })
    const asking = (async () => {
      for (let n = 0; !isOver.signal.aborted; n += 1) {
        const actionId = `lost-${n}`
        const command = n % 3 === 0 ? `echo ${actionId}` : `echo ${actionId} >> marks`
        const asked = await agent.requestAction({ command, actionId }, { timeoutMs: 60_000 })
        acknowledged.set(actionId, asked.result({ timeoutMs: 120_000 }))
        await delay(60)
      }
    })()
    const approving = (async () => {
      while (!areResultsThere.signal.aborted) {
        const pending = await operator.pending().catch(() => [])
        await Promise.allSettled(pending.map((one) => operator.approve(one.action_id)))
        await delay(50)
      }
    })()
    let ends = 0
    for (let n = 0; n < losses; n += 1) {
      await delay(700 + n * 130)
      await (n % 2 === 0 ? server.endConnections() : server.crash())
      // its lock went with its connection: another hub might be at work
      await eventually(() => !hub.isRunning, 30_000)
      ends += 1
      await hub.startAgain()
    }
    isOver.abort()
    await asking
    // what a hub that ended had not confirmed comes again to the next one when its time is over
    const results = await Promise.all(acknowledged.values())
    areResultsThere.abort()
    await approving

    const marks = (await readFile(join(workspace.path, 'marks'), 'utf8'))
      .split('\n')
      .filter(Boolean)
    expect(marks).toEqual([...new Set(marks)])
    const ran = new Set(marks)
    expect(
      results.filter(
        ({ status, action_id: id, stdout }) =>
          status !== 'interrupted' &&
          !(status === 'completed' && (ran.has(id) || stdout === `${id}\n`)),
      ),
    ).toEqual([])
    expect(results.filter(({ status }) => status === 'completed').length).toBeGreaterThan(
      results.length / 2,
    )
    expect(ends).toBe(losses)
    expect(await operator.verify()).toMatchObject({ intact: true })
    const { entries } = await operator.history({ limit: 500 })
    expect(entries.filter((one) => acknowledged.has(one.action_id))).toHaveLength(
      Math.min(500, acknowledged.size),
    )
    process.stderr.write(
      `chaos: ${acknowledged.size} acknowledged, PostgreSQL lost ${losses} times, 0 lost, 0 twice\n`,
    )
    expect(await hub.stop()).toBe(0)
  }, 180_000)
})

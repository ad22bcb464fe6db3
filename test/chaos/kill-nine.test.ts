import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, Operator } from '@centralpost/agents'
import type { ActionResult } from '@centralpost/shared'
import { connect } from 'nats'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { clientOptions, TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

const loadMs = Number(process.env['CENTRALPOST_CHAOS_SECONDS'] ?? 12) * 1000

test(
  'random kill -9 of hub, runner and broker under load: nothing acknowledged is lost, nothing runs twice, one result each',
  async () => {
    await using workspace = await TempDir.make()
    await using broker = await TestBroker.start({
      agents: ['agent-a', 'agent-b', 'agent-c'],
      operators: ['alice'],
    })
    const marks = join(workspace.path, 'marks')
    await writeFile(marks, '')
    await using hub = await HubProcess.make(
      broker.dataDir,
      workspace.path,
      'hub: { id: chaos }\nlog: { level: warn }\n' +
        'execution: { parallel: 4, kill_grace: 1, sandbox: { mode: "off" } }\n' +
        'approvals: { pending_per_agent: 10000, execute_within: 300 }\n',
    )
    await hub.start()
    const until = Date.now() + loadMs
    const acknowledged = new Map<string, Promise<ActionResult>>()
    const kills = { hub: 0, runner: 0, broker: 0 }

    await using clients = new AsyncDisposableStack()
    const agents = await Promise.all(
      ['agent-a', 'agent-b', 'agent-c'].map(async (name) =>
        clients.use(
          await Agent.connect({ name, credentials: await broker.credentials('agent', name) }),
        ),
      ),
    )
    const operator = clients.use(
      await Operator.connect({
        name: 'alice',
        credentials: await broker.credentials('operator', 'alice'),
      }),
    )
    const isOver = new AbortController()
    clients.defer(() => isOver.abort())
    // approves whatever waits, in spite of hubs and brokers that go away under it
    const approving = (async () => {
      while (!isOver.signal.aborted) {
        const pending = await operator.pending().catch(() => [])
        await Promise.allSettled(
          pending.map((one) =>
            operator.approve(one.action_id, { agentId: one.agent_id, digest: one.digest }),
          ),
        )
        await delay(50)
      }
    })()
    const asking = agents.map(async (agent) => {
      for (let n = 0; Date.now() < until; n += 1) {
        const actionId = `${agent.name}-${n}`
        const asked = await agent.requestAction(
          {
            // one is SAFE, taken in and started by one commit; the other waits for a person, and leaves a mark
            command: n % 3 === 0 ? `echo ${actionId}` : `echo ${actionId} >> marks`,
            actionId,
          },
          { timeoutMs: 60_000 },
        )
        acknowledged.set(actionId, asked.result({ timeoutMs: 120_000 }))
        await delay(40)
      }
    })
    const killing = (async () => {
      // however long a start takes here
      while (Date.now() < until || kills.hub < 3) {
        await delay(500 + Math.random() * 1000)
        const what = Math.random()
        if (what < 0.2) {
          for (const pid of hub.runnerPids) process.kill(pid, 'SIGKILL')
          kills.runner += 1
        } else if (what < 0.7) {
          await hub.kill9()
          kills.hub += 1
          await delay(Math.random() * 400)
          await hub.startAgain()
        } else {
          await broker.kill9()
          kills.broker += 1
          await broker.isBack()
        }
      }
      if (!hub.isRunning) await hub.startAgain()
    })()
    await Promise.all([...asking, killing])

    const results = await Promise.all(acknowledged.values())
    isOver.abort()
    await approving

    const ran = new Map<string, number>()
    for (const id of (await readFile(marks, 'utf8')).split('\n').filter(Boolean)) {
      ran.set(id, (ran.get(id) ?? 0) + 1)
    }
    const twice = [...ran].filter(([, times]) => times > 1)
    expect(twice).toEqual([])
    expect(results).toHaveLength(acknowledged.size)
    const statuses = new Set(results.map((result) => result.status))
    expect(
      [...statuses].filter((status) => status !== 'completed' && status !== 'interrupted'),
    ).toEqual([])
    const notRun = results.filter(
      ({ status, action_id: id, stdout }) =>
        status === 'completed' && !ran.has(id) && stdout !== `${id}\n`,
    )
    expect(notRun).toEqual([])
    const completed = results.filter((result) => result.status === 'completed')
    expect(completed.length).toBeGreaterThan(results.length / 2)
    expect(kills.hub).toBeGreaterThan(2)
    const levels = new Set(results.map((result) => result.trust_level))
    expect(levels).toEqual(new Set(['SAFE', 'REVIEW']))

    // what the ledger says is what the agents were told, and what the broker keeps
    const { entries } = await operator.history({ limit: 500 })
    const recorded = entries
      .filter((entry) => acknowledged.has(entry.action_id))
      .map((entry) => [entry.action_id, entry.status, entry.execution_id])
    const told = await Promise.all(
      recorded.map(async ([actionId]) => {
        const result = await acknowledged.get(String(actionId))
        return [actionId, result?.status, result?.execution_id]
      }),
    )
    expect(recorded).toEqual(told)
    expect(await operator.verify()).toMatchObject({ intact: true })
    await eventually(async () => (await operator.hubs())[0]?.unpublished === 0)
    const reader = await connect(clientOptions(await broker.credentials('hub')))
    const manager = await reader.jetstreamManager()
    const stored = await manager.streams.info('SYSTEM_ACTION_RESULTS')
    expect(stored.state.messages).toBe(acknowledged.size)
    await reader.close()

    process.stderr.write(
      `chaos: ${results.length} acknowledged, ${completed.length} completed, ` +
        `${results.length - completed.length} interrupted, 0 twice; killed the hub ${kills.hub} times, ` +
        `its runner ${kills.runner} times, the broker ${kills.broker} times\n`,
    )
    expect(await hub.stop()).toBe(0)
  },
  loadMs + 180_000,
)

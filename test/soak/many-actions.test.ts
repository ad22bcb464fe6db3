import { readdirSync, readFileSync } from 'node:fs'
import { Agent, Operator } from '@centralpost/agents'
import { actionResultSchema, decode, silentLogger, Bus } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

const total = Number(process.env['CENTRALPOST_SOAK_ACTIONS'] ?? 20_000)
/** Caches of the database and the garbage collector's own pace have come to rest by then. */
const warmUp = total / 2
/** A slow machine does less of each half, and not without end. */
const longestHalfMs = Number(process.env['CENTRALPOST_SOAK_SECONDS'] ?? 90) * 500
const leastOfHalf = Math.min(warmUp, 2000)
const agentNames = ['agent-a', 'agent-b', 'agent-c', 'agent-d']
const atOnce = 4
const MiB = 1024 * 1024

/** What a process holds. */
interface Held {
  readonly residentMiB: number
  readonly descriptors: number
}

function held(pid: number): Held {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    residentMiB: (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024) / MiB,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  }
}

/** Children of a process that have ended and were not collected. */
function zombiesOf(parents: readonly number[]): number {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return state === 'Z' && parents.includes(Number(parent))
      } catch {
        // gone meanwhile
        return false
      }
    }).length
}

test(
  `${total} SAFE actions, or as many as go in the time: memory is flat, nothing is left open, every result is there exactly once`,
  async () => {
    await using workspace = await TempDir.make()
    await using broker = await TestBroker.start({ agents: agentNames, operators: ['alice'] })
    await using hub = await HubProcess.make(
      broker.dataDir,
      workspace.path,
      'hub: { id: soak }\nlog: { level: error }\n' +
        'execution: { parallel: 8, parallel_per_agent: 4, sandbox: { mode: "off" } }\n',
    )
    await hub.start()
    await using clients = new AsyncDisposableStack()
    // all results, as a listener of the operator's hears them, beside those that the agents get
    const listener = clients.use(
      await Bus.connect({
        credentials: await broker.credentials('operator', 'alice'),
        name: 'listener',
        log: silentLogger,
      }),
    )
    const heard = new Map<string, number>()
    listener.subscribe('SYSTEM_ACTION_RESULT.>', ({ data }) => {
      const { action_id: actionId } = decode(actionResultSchema, data)
      heard.set(actionId, (heard.get(actionId) ?? 0) + 1)
    })
    const agents = await Promise.all(
      agentNames.map(async (name) =>
        clients.use(
          await Agent.connect({ name, credentials: await broker.credentials('agent', name) }),
        ),
      ),
    )

    const statuses = new Map<string, number>()
    let asked = 0
    const run = async (count: number): Promise<void> => {
      const begun = { at: Date.now(), asked }
      const mayGoOn = (): boolean => {
        const done = asked - begun.asked
        return done < count && (done < leastOfHalf || Date.now() - begun.at < longestHalfMs)
      }
      const line = async (agent: Agent): Promise<void> => {
        while (mayGoOn()) {
          asked += 1
          const actionId = `soak-${asked}`
          // now and then output that does not fit the result, so that the spool is part of it
          const command = asked % 500 === 0 ? 'seq 1 60000' : `echo ${asked}`
          const action = await agent.requestAction({ command, actionId }, { timeoutMs: 60_000 })
          const { status } = await action.result({ timeoutMs: 60_000 })
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
        }
      }
      const lines = agents.flatMap((agent) => Array.from({ length: atOnce }, () => line(agent)))
      await Promise.all(lines)
    }
    await run(warmUp)
    const warm = asked
    const [runner = 0] = hub.runnerPids
    const before = { hub: held(hub.pid), runner: held(runner) }
    const begun = performance.now()
    await run(total - warmUp)
    const seconds = (performance.now() - begun) / 1000
    const after = { hub: held(hub.pid), runner: held(runner) }
    process.stderr.write(
      `soak: ${asked} actions, ${Math.round((asked - warm) / seconds)} a second; ` +
        `from ${JSON.stringify(before)} to ${JSON.stringify(after)}\n`,
    )

    expect(hub.runnerPids).toEqual([runner])
    expect(Object.fromEntries(statuses)).toEqual({ completed: asked })
    await eventually(() => heard.size === asked)
    expect(Math.max(...heard.values())).toBe(1)
    expect(zombiesOf([hub.pid, runner])).toBe(0)
    expect(after.hub.residentMiB - before.hub.residentMiB).toBeLessThan(64)
    expect(after.runner.residentMiB - before.runner.residentMiB).toBeLessThan(32)
    expect(after.hub.descriptors - before.hub.descriptors).toBeLessThan(10)
    expect(after.runner.descriptors - before.runner.descriptors).toBeLessThan(130)
    const operator = clients.use(
      await Operator.connect({
        name: 'alice',
        credentials: await broker.credentials('operator', 'alice'),
      }),
    )
    const stats = await operator.stats()
    expect(stats.by_status).toEqual({ completed: asked })
    expect(
      readFileSync(hub.logFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('hub: ')),
    ).toEqual([])
  },
  15 * 60_000,
)

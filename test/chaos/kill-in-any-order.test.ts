import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Agent } from '@centralpost/agents'
import { isRunning } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

const commands = 20

type Victim = 'hub' | 'runner' | 'broker'

test.each<[Victim, Victim, Victim]>([
  ['hub', 'runner', 'broker'],
  ['hub', 'broker', 'runner'],
  ['runner', 'hub', 'broker'],
  ['runner', 'broker', 'hub'],
  ['broker', 'hub', 'runner'],
  ['broker', 'runner', 'hub'],
])(
  'kill -9 of %s, %s and %s with 20 commands running: none survives the restart, each has one result, and nothing runs twice',
  async (...order) => {
    await using workspace = await TempDir.make()
    await using broker = await TestBroker.start({ agents: ['agent-a'], operators: [] })
    const nap = `sleep 3000.${process.pid}`
    // unconfined, so that nothing but the hub's own care ends them
    await using hub = await HubProcess.make(
      broker.dataDir,
      workspace.path,
      'hub: { id: chaos }\nlog: { level: warn }\n' +
        `execution: { parallel: ${commands + 1}, parallel_per_agent: ${commands}, kill_grace: 1, sandbox: { mode: "off" } }\n`,
    )
    await hub.start()
    await using agent = await Agent.connect({
      name: 'agent-a',
      credentials: await broker.credentials('agent', 'agent-a'),
    })
    const asked = await Promise.all(
      Array.from({ length: commands }, (_, n) =>
        agent.requestAction({ command: nap, actionId: `nap-${n}` }),
      ),
    )
    const results = asked.map((one) => one.result({ timeoutMs: 60_000 }))
    const up = () => processesWith(nap)
    await eventually(() => up().length === commands, 30_000)
    const runner = parentOf(up()[0] ?? 0)

    for (const victim of order) {
      if (victim === 'hub') await hub.kill9()
      else if (victim === 'broker') await broker.kill9()
      else if (existsSync(`/proc/${runner}`)) process.kill(runner, 'SIGKILL')
    }
    await broker.isBack()
    await hub.startAgain()

    const ended = await Promise.all(results)
    expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(['interrupted']))
    expect(isRunning(nap)).toBe(false)
    expect(processesWith(nap)).toEqual([])
    expect(await (await agent.requestAction('echo after')).result()).toMatchObject({
      stdout: 'after\n',
    })
    expect(await hub.stop()).toBe(0)
  },
  120_000,
)

/** The processes of a command line. */
function processesWith(commandLine: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
        return words.join(' ').trim() === commandLine
      } catch {
        return false
      }
    })
}

function parentOf(pid: number): number {
  return Number(/PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

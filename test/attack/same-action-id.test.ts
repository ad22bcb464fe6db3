import { expect, test } from '@jest/globals'
import { Agent } from '@centralpost/agents'
import { livingWith } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

// Two agents may choose the same name for an action: nothing of one is ever counted, ended or told as the other's.

const agents = ['agent-a', 'agent-b'] as const

const ofAgent = (name: string) => livingWith(`CENTRALPOST_AGENT=${name}`)

test('after kill -9 of hub and runners each of two actions of one name is told what was left of it, and not of the other', async () => {
  await using workspace = await TempDir.make()
  await using broker = await TestBroker.start({ agents, operators: [] })
  await using hub = await HubProcess.make(
    broker.dataDir,
    workspace.path,
    'hub: { id: same-name }\nlog: { level: warn }\nexecution: { kill_grace: 1, sandbox: { mode: "off" } }\n',
  )
  await hub.start()
  await using opened = new AsyncDisposableStack()
  const asked = []
  for (const name of agents) {
    const credentials = await broker.credentials('agent', name)
    const agent = opened.use(await Agent.connect({ name, credentials }))
    const command = `sleep 3100.${process.pid}`
    asked.push(await agent.requestAction({ command, actionId: 'build-1' }))
  }
  const results = asked.map((one) => one.result({ timeoutMs: 60_000 }))
  await eventually(() => agents.every((name) => ofAgent(name).length === 1), 20_000)

  process.kill(hub.pid, 'SIGSTOP')
  for (const runner of hub.runnerPids) process.kill(runner, 'SIGKILL')
  await hub.kill9()
  for (const pid of ofAgent('agent-b')) process.kill(pid, 'SIGKILL')
  await eventually(() => ofAgent('agent-b').length === 0)
  expect(ofAgent('agent-a')).toHaveLength(1)
  await hub.startAgain()

  const [ofA, ofB] = await Promise.all(results)
  expect(ofA).toMatchObject({ status: 'interrupted' })
  expect(ofA?.reason).toMatch(/; 1 of its processes were still alive and were ended$/)
  expect(ofB).toMatchObject({ status: 'interrupted' })
  expect(ofB?.reason).not.toContain('were still alive')
  expect(ofAgent('agent-a')).toEqual([])
}, 120_000)

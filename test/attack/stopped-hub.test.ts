import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { Agent } from '@centralpost/agents'
import { isRunning, livingWith } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

// An unconfined command is of the hub's user where the hub has none of its own, and may stop it (SIGSTOP). What must hold
// then is that limits are kept without it, that nothing starts, and that nothing is lost or done twice when it goes on.

test('a hub that is stopped starts nothing, its commands keep their limits, and all is told once when it goes on', async () => {
  await using workspace = await TempDir.make()
  await using broker = await TestBroker.start({ agents: ['agent-a'], operators: [] })
  await using hub = await HubProcess.make(
    broker.dataDir,
    workspace.path,
    'hub: { id: stopped }\nexecution: { kill_grace: 1, sandbox: { mode: "off" } }\n',
  )
  await hub.start()
  await using agent = await Agent.connect({
    name: 'agent-a',
    credentials: await broker.credentials('agent', 'agent-a'),
  })
  const nap = `sleep 3200.${process.pid}`
  const limited = await agent.requestAction({ command: nap, timeoutSeconds: 3 })
  const short = await agent.requestAction('sleep 2')
  await eventually(() => livingWith('CENTRALPOST_AGENT=agent-a').length === 2)

  process.kill(hub.pid, 'SIGSTOP')
  await eventually(() => /State:\s+T/.test(readFileSync(`/proc/${hub.pid}/status`, 'utf8')))
  const meanwhile = await agent.requestAction('echo meanwhile')
  await eventually(() => !isRunning(nap), 20_000)
  await eventually(() => livingWith('CENTRALPOST_AGENT=agent-a').length === 0, 20_000)
  process.kill(hub.pid, 'SIGCONT')

  expect(await limited.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'timed_out' })
  expect(await short.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'completed' })
  expect(await meanwhile.result({ timeoutMs: 20_000 })).toMatchObject({ stdout: 'meanwhile\n' })
  expect(await hub.stop()).toBe(0)
})

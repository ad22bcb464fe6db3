import { type ActionOutput, Bus, silentLogger } from '@centralpost/shared'
import { BusAnnouncer } from '#hub/bus/announcer.ts'
import { eventually } from '../../support/eventually.ts'
import { TestBroker } from '../../support/nats-server.ts'

const MiB = 1024 * 1024

function chunk(seq: number): ActionOutput {
  const data = 'x'.repeat(32 * 1024)
  return { schema: 1, action_id: 'flood', agent_id: 'agent-a', seq, stream: 'stdout', data }
}

test('output that the broker does not take is left out beyond a bound, until it takes it again', async () => {
  await using broker = await TestBroker.start({ agents: ['agent-a'], operators: [] })
  const credentials = await broker.credentials('hub')
  const bus = await Bus.connect({ credentials, name: 'hub', log: silentLogger })
  const announcer = new BusAnnouncer(bus, silentLogger)
  process.kill(broker.embedded.pid, 'SIGSTOP')
  let told = 0
  for (let seq = 0; seq < 2000; seq += 1) told += Number(announcer.output(chunk(seq)))

  expect((told * 32) / 1024).toBeGreaterThan(1)
  expect((told * 32 * 1024) / MiB).toBeLessThanOrEqual(4.1)

  process.kill(broker.embedded.pid, 'SIGCONT')
  await eventually(() => announcer.output(chunk(0)))

  process.kill(broker.embedded.pid, 'SIGSTOP')
  while (announcer.output(chunk(0)));
  await broker.kill9()
  await broker.isBack()
  await eventually(() => announcer.output(chunk(0)))
  await bus.drain()
})

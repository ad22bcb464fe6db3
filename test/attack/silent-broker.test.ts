import { setTimeout as delay } from 'node:timers/promises'
import { allResults, subjectToken } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'
import { signal } from '../support/signal.ts'

// A broker that is stopped for a while (a suspended machine, a disk that stands still) loses nothing that was sent to it.
// What is sent to it again meanwhile is told again, once for every try.

test('a result is told once by a broker that was silent for longer than a confirmation may take', async () => {
  await using it = await TestHub.start({ config: { execution: { sandbox: { mode: 'off' } } } })
  const agent = await it.agent()
  const ear = await it.bus('operator', 'alice')
  const copies = new Map<string, number>()
  ear.subscribe(allResults, ({ subject }) => {
    const id = subjectToken(subject, 2)
    copies.set(id, (copies.get(id) ?? 0) + 1)
  })
  await ear.flush()
  const operator = await it.operator()
  const asked = await Promise.all([1, 2, 3].map(() => agent.requestAction('sleep 2')))
  await eventually(async () => (await operator.hubs())[0]?.running === 3)

  const { pid } = it.broker.embedded
  signal(pid, 'SIGSTOP')
  // as long as three tries of five seconds and the pauses between them
  await delay(17_000)
  signal(pid, 'SIGCONT')

  for (const one of asked) {
    expect(await one.result({ timeoutMs: 30_000 })).toMatchObject({ status: 'completed' })
  }
  await eventually(async () => (await operator.hubs())[0]?.unpublished === 0)
  expect([...copies.values()]).toEqual([1, 1, 1])
}, 90_000)

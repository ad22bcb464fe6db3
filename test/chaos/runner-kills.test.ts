import { readdirSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

const actions = 60

/** The runners of hubs in this process. */
function runners(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const parent = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
        return Number(parent) === process.pid && line.includes('/runner/main.ts')
      } catch {
        return false
      }
    })
}

test('kill -9 of the runner again and again, and cancels meanwhile: each action has one result and none runs twice', async () => {
  await using it = await TestHub.start({
    config: {
      execution: { parallel: 7, parallel_per_agent: 6, kill_grace: 1, sandbox: { mode: 'off' } },
      approvals: { pending_per_agent: 1000 },
    },
  })
  await writeFile(join(it.workspace, 'marks'), '')
  const agent = await it.agent()
  const alice = await it.operator()
  const asked = await Promise.all(
    Array.from({ length: actions }, (_, n) =>
      agent.requestAction({
        command: n % 3 === 0 ? 'sleep 0.3' : `echo ${n} >> marks; sleep 0.2`,
        actionId: `kill-${n}`,
      }),
    ),
  )
  const results = asked.map((one) => one.result({ timeoutMs: 90_000 }))
  await eventually(async () => (await alice.pending()).length === (actions / 3) * 2)
  for (const one of await alice.pending()) await alice.approve(one.action_id)
  const killing = (async () => {
    for (let kills = 0; kills < 5; kills += 1) {
      await delay(300)
      for (const pid of runners()) process.kill(pid, 'SIGKILL')
      await agent.cancelAction(`kill-${actions - 1 - kills}`).catch(() => {})
    }
  })()
  await killing
  const ended = await Promise.all(results)

  const statuses = new Set(ended.map(({ status }) => status))
  expect([...statuses].filter((one) => !/^(completed|interrupted|cancelled)$/.test(one))).toEqual(
    [],
  )
  const marks = (await readFile(join(it.workspace, 'marks'), 'utf8')).split('\n').filter(Boolean)
  expect(marks).toEqual([...new Set(marks)])
  const missing = ended.filter(
    ({ action_id: id, status }) =>
      status === 'completed' && Number(id.slice(5)) % 3 !== 0 && !marks.includes(id.slice(5)),
  )
  expect(missing).toEqual([])
  expect(ended.filter(({ status }) => status === 'completed').length).toBeGreaterThan(actions / 4)
  expect((await alice.hubs())[0]).toMatchObject({ running: 0, queued: 0 })
}, 120_000)

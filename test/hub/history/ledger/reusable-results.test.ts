import { ReusableResults } from '#hub/history/ledger/reusable-results.ts'
import type { CommandExecution } from '#hub/history/store/schema.ts'

const like = { agentId: 'agent-a', workflowId: 'wf', digest: 'd' }

function ended(more: Partial<CommandExecution> = {}): CommandExecution {
  const row = { execution_id: 1, agent_id: 'agent-a', workflow_id: 'wf', digest: 'd' }
  return {
    ...row,
    status: 'completed',
    trust_level: 'SAFE',
    reused_from: null,
    execution_timestamp: 1,
    ...more,
  } as CommandExecution
}

function run(it: ReusableResults, more: Partial<CommandExecution> = {}): void {
  const row = ended(more)
  it.begin(row.execution_id)
  it.note(row)
}

test('the latest of equal executions is found, and none of another agent, workflow or digest', () => {
  const it = new ReusableResults()
  run(it)
  run(it, { execution_id: 2 })
  expect(it.find(like)).toBe(2)
  expect(it.find({ ...like, agentId: 'agent-b' })).toBeUndefined()
  expect(it.find({ ...like, workflowId: 'other' })).toBeUndefined()
  expect(it.find({ ...like, digest: 'e' })).toBeUndefined()
})

test('what ended while it was made, or since, stands in the way if it may have written', () => {
  const it = new ReusableResults()
  const write = ended({ execution_id: 7, trust_level: 'REVIEW' })
  run(it, { execution_id: 1 })
  it.note(ended({ execution_id: 8, trust_level: 'REVIEW', execution_timestamp: null }))
  expect(it.find(like)).toBe(1)
  it.note(write)
  expect(it.find(like)).toBeUndefined()
  it.begin(2)
  it.note(write)
  it.note(ended({ execution_id: 2 }))
  expect(it.find(like)).toBeUndefined()
  run(it, { execution_id: 3 })
  expect(it.find(like)).toBe(3)
})

test.each<Partial<CommandExecution>>([
  { status: 'failed' },
  { status: 'timed_out' },
  { trust_level: 'REVIEW' },
  { reused_from: 7 },
  { workflow_id: null },
  { digest: null },
])('what ended as %j stands for nothing', (more) => {
  const it = new ReusableResults()
  run(it, more)
  expect(it.find(like)).toBeUndefined()
})

test('so many are kept, and the one that ended longest ago is given up', () => {
  const it = new ReusableResults()
  for (let n = 0; n < 10_000; n += 1) run(it, { execution_id: n, digest: `d${n}` })
  run(it, { execution_id: 10_000, digest: 'd0' })
  run(it, { execution_id: 10_001, digest: 'new' })
  expect(it.find({ ...like, digest: 'd1' })).toBeUndefined()
  expect(it.find({ ...like, digest: 'd0' })).toBe(10_000)
  expect(it.find({ ...like, digest: 'd2' })).toBe(2)
})

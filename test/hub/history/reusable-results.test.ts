import { ReusableResults } from '../../../hub/src/history/reusable-results.ts'
import type { CommandExecution } from '../../../hub/src/history/schema.ts'

const like = { agentId: 'agent-a', workflowId: 'wf', digest: 'd' }

function ended(more: Partial<CommandExecution> = {}): CommandExecution {
  const row = { execution_id: 1, agent_id: 'agent-a', workflow_id: 'wf', digest: 'd' }
  return {
    ...row,
    status: 'completed',
    trust_level: 'SAFE',
    reused_from: null,
    ...more,
  } as CommandExecution
}

test('the latest of equal executions is found, and none of another agent, workflow or digest', () => {
  const it = new ReusableResults()
  it.note(ended())
  it.note(ended({ execution_id: 2 }))
  expect(it.find(like)).toBe(2)
  expect(it.find({ ...like, agentId: 'agent-b' })).toBeUndefined()
  expect(it.find({ ...like, workflowId: 'other' })).toBeUndefined()
  expect(it.find({ ...like, digest: 'e' })).toBeUndefined()
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
  it.note(ended(more))
  expect(it.find(like)).toBeUndefined()
})

test('so many are kept, and the one that ended longest ago is given up', () => {
  const it = new ReusableResults()
  for (let n = 0; n < 10_000; n += 1) it.note(ended({ execution_id: n, digest: `d${n}` }))
  it.note(ended({ execution_id: 10_000, digest: 'd0' }))
  it.note(ended({ execution_id: 10_001, digest: 'new' }))
  expect(it.find({ ...like, digest: 'd1' })).toBeUndefined()
  expect(it.find({ ...like, digest: 'd0' })).toBe(10_000)
  expect(it.find({ ...like, digest: 'd2' })).toBe(2)
})

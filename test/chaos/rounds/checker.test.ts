import { createHash } from 'node:crypto'
import { violationsOf } from './checker.ts'
import type { Evidence, LedgerEvent, LedgerRow, Sent } from './evidence.ts'

// A checker that finds nothing must have something to find: each violation is planted into what a good round leaves.

const kinds = ['requested', 'approved', 'started', 'finished']

function chainOf(kindsOfOne: readonly string[]): LedgerEvent[] {
  let previous = '0'.repeat(64)
  return kindsOfOne.map((kind, index) => {
    const fields = [previous, index + 1, 1000 + index, 1, 'agent-a', 'approved_a_0', kind, '{}']
    const hash = createHash('sha256').update(JSON.stringify(fields)).digest('hex')
    const event = {
      seq: index + 1,
      timestamp: 1000 + index,
      execution_id: 1,
      agent_id: 'agent-a',
      action_id: 'approved_a_0',
      kind,
      data: '{}',
      prev_hash: previous,
      hash,
    }
    previous = hash
    return event
  })
}

const sent: Sent = {
  actionId: 'approved_a_0',
  agentId: 'agent-a',
  class: 'approved',
  command: 'touch it',
  published: 1,
  confirmedAt: 5,
  isReused: false,
  told: { state: 'completed', executionId: 1 },
}
const row: LedgerRow = {
  execution_id: 1,
  action_id: 'approved_a_0',
  agent_id: 'agent-a',
  command: 'touch it',
  status: 'completed',
  trust_level: 'REVIEW',
  finished_at: 2000,
}
const copy = {
  agentId: 'agent-a',
  actionId: 'approved_a_0',
  executionId: 1,
  status: 'completed',
} as const
const start = { actionId: 'approved_a_0', kind: 'start', at: 1500 } as const
const good: Evidence = {
  sent: [sent],
  heard: [copy],
  marks: [start],
  rows: [row],
  events: chainOf(kinds),
  unpublished: 0,
  survivors: [],
  stopCode: 0,
  saysIntact: true,
  wipedAt: null,
  faults: 1,
  wasClockSet: false,
}

test('a good round has no violations', () => {
  expect(violationsOf(good)).toEqual([])
  // one copy more may come where a fault stood between, and one for each repetition
  expect(violationsOf({ ...good, heard: [copy, copy] })).toEqual([])
  const repeated = { ...good, sent: [{ ...sent, published: 2 }], heard: [copy, copy, copy] }
  expect(violationsOf(repeated)).toEqual([])
  // of an id that was used for something else, the refusal has a row of its own
  const refused = { ...row, execution_id: 2, action_id: 'reused-1', status: 'rejected' } as const
  const told = { ...copy, executionId: 2, status: 'rejected' } as const
  expect(
    violationsOf({ ...repeated, rows: [row, refused], heard: [copy, told, told, told] }),
  ).toEqual([])
  expect(
    violationsOf({ ...good, rows: [row, refused], heard: [copy, told, told, told] }),
  ).toHaveLength(1)
  // what went with a wiped store is lost, and nothing that came later
  const wiped = { ...good, heard: [], marks: [], rows: [], events: [], wipedAt: 6 }
  expect(violationsOf(wiped)).toEqual([])
  expect(violationsOf({ ...wiped, wipedAt: 4 })).not.toEqual([])
})

test.each<[string, Partial<Evidence>]>([
  ['lost', { rows: [], heard: [], marks: [], events: [] }],
  ['no end', { rows: [{ ...row, status: 'running' }] }],
  ['may not be', { sent: [{ ...sent, class: 'denied' }] }],
  ['and ran', { sent: [{ ...sent, class: 'expiring' }] }],
  ['has 2 rows', { rows: [row, { ...row, execution_id: 2 }] }],
  ['later of two', { rows: [{ ...row, command: 'touch other' }] }],
  ['is unknown to the agent', { sent: [{ ...sent, told: null }] }],
  ['its agent is told', { sent: [{ ...sent, told: { state: 'running', executionId: 1 } }] }],
  ['unknown', { heard: [copy, { ...copy, executionId: 7 }] }],
  ['heard failed', { heard: [{ ...copy, status: 'failed' }] }],
  ['of agent-a', { heard: [{ ...copy, agentId: 'agent-b' }] }],
  ['was told 3 times, at most 2', { heard: [copy, copy, copy] }],
  ['was told 3 times, at most 2', { heard: [copy, copy, copy], faults: 2 }],
  ['was told 2 times, at most 1', { heard: [copy, copy], faults: 0 }],
  ['ran 2 times', { marks: [start, start] }],
  ['no start', { events: chainOf(['requested', 'approved', 'finished']) }],
  ['started 2 times', { events: chainOf([...kinds, 'started']) }],
  ['without an approval', { events: chainOf(['requested', 'started', 'approved']) }],
  ['1 ms after its recorded end', { marks: [start, { ...start, kind: 'tick', at: 2001 }] }],
  ['missing', { events: chainOf(kinds).slice(1) }],
  ['not what its hash', { events: chainOf(kinds).map((one) => ({ ...one, data: '{"a":1}' })) }],
  ['never confirmed', { unpublished: 1 }],
  ['ended with a kill', { stopCode: null }],
  ['lives after the end', { survivors: ['sleep 60'] }],
  ['calls its audit chain broken', { saysIntact: false }],
])('the checker finds: %s', (words, planted) => {
  expect(violationsOf({ ...good, ...planted }).join('\n')).toContain(words)
})

import { createHash } from 'node:crypto'
import type { ActionState } from '@centralpost/shared'
import type { Evidence, LedgerEvent, LedgerRow, RequestClass, Sent } from './evidence.ts'

// Recomputes what must hold after a round from what is left of it: nothing of the hub's own checks is used.

/** Where each class may end; every one that a hub's death found running may be interrupted. */
const ends: Readonly<Record<RequestClass, readonly ActionState[]>> = {
  safe: ['completed', 'interrupted'],
  'safe-slow': ['completed', 'interrupted'],
  approved: ['completed', 'interrupted'],
  'approved-slow': ['completed', 'interrupted'],
  forking: ['completed', 'interrupted'],
  'cancelled-waiting': ['cancelled'],
  'cancelled-running': ['cancelled', 'completed', 'interrupted'],
  denied: ['denied'],
  expiring: ['expired', 'rejected'],
  blocked: ['denied'],
  malformed: ['rejected'],
}

/** Classes of which nothing may ever run. */
const neverRun = new Set<RequestClass>([
  'cancelled-waiting',
  'denied',
  'expiring',
  'blocked',
  'malformed',
])

/** However many faults stand between a result and its confirmation, what the broker has is not sent again. */
const mostCopies = 2

const open = new Set<ActionState>(['pending', 'queued', 'running'])

/** @returns what does not hold, each in words; empty: all holds */
export function violationsOf(evidence: Evidence): string[] {
  return [
    ...faultsOfRequests(evidence),
    ...faultsOfCopies(evidence),
    ...faultsOfRuns(evidence),
    ...faultsOfChain(evidence.events),
    ...(evidence.saysIntact ? [] : ['the hub itself calls its audit chain broken']),
    ...(evidence.stopCode === 0
      ? []
      : [`the hub was told to stop, and ended with ${evidence.stopCode ?? 'a kill'}`]),
    ...(evidence.unpublished === 0
      ? []
      : [`${evidence.unpublished} results were never confirmed by the broker`]),
    ...evidence.survivors.map((what) => `a process lives after the end: ${what}`),
  ]
}

/** Whether a request may have gone with a broker's storage that was wiped at a moment. */
export function wentWithStore({ confirmedAt }: Sent, wipedAt: number | null): boolean {
  return wipedAt !== null && confirmedAt !== null && confirmedAt <= wipedAt
}

/** Every acknowledged request has its one row, its end, and its agent is told just that. */
function faultsOfRequests({ sent, rows, wipedAt }: Evidence): string[] {
  const byId = Map.groupBy(rows, idOf)
  return sent.flatMap((one) => {
    if (one.confirmedAt === null) return []
    const isGone = wentWithStore(one, wipedAt)
    // then what was sent later under the id may have come to be the first
    if (isGone && one.isReused) return []
    const found = byId.get(`${one.agentId} ${one.actionId}`) ?? []
    const [row] = found
    if (row === undefined) {
      return isGone ? [] : [`${one.actionId} was acknowledged and is lost`]
    }
    return faultsOfRow(one, row, found.length)
  })
}

function faultsOfRow(one: Sent, row: LedgerRow, count: number): string[] {
  const name = `${one.actionId} (execution ${row.execution_id})`
  const faults: string[] = []
  if (count > 1) faults.push(`${one.actionId} has ${count} rows`)
  if (open.has(row.status)) faults.push(`${name} has no end: it is ${row.status}`)
  else if (!ends[one.class].includes(row.status)) {
    faults.push(`${name} is ${row.status}, which a request that is ${one.class} may not be`)
  }
  if (one.class !== 'malformed' && row.command !== one.command) {
    faults.push(`${name} is the later of two requests of one id`)
  }
  if (one.told === null) faults.push(`${name} is unknown to the agent that asks for it`)
  else if (one.told.state !== row.status || one.told.executionId !== row.execution_id) {
    faults.push(`${name} is ${row.status}, its agent is told ${JSON.stringify(one.told)}`)
  }
  return faults
}

/** What agents heard is what is recorded, of their own actions, and once; once more where a confirmation was lost. */
function faultsOfCopies({ sent, heard, rows, faults }: Evidence): string[] {
  const byExecution = new Map(rows.map((row) => [row.execution_id, row]))
  const found: string[] = []
  for (const copy of heard) {
    const row = byExecution.get(copy.executionId ?? -1)
    if (row === undefined) {
      found.push(`${copy.agentId} heard a result of execution ${copy.executionId}, unknown`)
    } else if (row.status !== copy.status || row.agent_id !== copy.agentId) {
      found.push(
        `${copy.agentId} heard ${copy.status} of execution ${row.execution_id}, ${row.status} of ${row.agent_id}`,
      )
    }
  }
  const publishes = new Map(sent.map((one) => [`${one.agentId} ${one.actionId}`, one.published]))
  for (const [execution, copies] of Map.groupBy(heard, (one) => one.executionId)) {
    const [{ agentId, actionId } = { agentId: '', actionId: '' }] = copies
    // who sends a request again is told its result again, also a refusal, whose row has an id of its own
    const again = Math.max(0, (publishes.get(`${agentId} ${actionId}`) ?? 1) - 1)
    const most = (faults === 0 ? 1 : mostCopies) + again
    if (copies.length > most) {
      const name = `execution ${execution} (${actionId}, sent ${1 + again} times)`
      found.push(`${name} was told ${copies.length} times, at most ${most}`)
    }
  }
  return found
}

/** Nothing ran twice, uncleared, or after its end. */
function faultsOfRuns({ sent, marks, rows, events, wasClockSet }: Evidence): string[] {
  const found: string[] = []
  const starts = Map.groupBy(
    marks.filter(({ kind }) => kind === 'start'),
    ({ actionId }) => actionId,
  )
  for (const [actionId, times] of starts) {
    if (times.length > 1) found.push(`${actionId} ran ${times.length} times, by its marks`)
  }
  for (const one of sent) {
    if (neverRun.has(one.class) && starts.has(one.actionId)) {
      found.push(`${one.actionId} is ${one.class} and ran`)
    }
  }
  const lastMarks = new Map<string, number>()
  for (const { actionId, at } of marks) {
    lastMarks.set(actionId, Math.max(at, lastMarks.get(actionId) ?? 0))
  }
  const told = Map.groupBy(events, (event) => event.execution_id)
  for (const row of rows) {
    const kinds = (told.get(row.execution_id) ?? []).map(({ kind }) => kind)
    const started = kinds.filter((kind) => kind === 'started').length
    if (started > 1) found.push(`${row.action_id} was started ${started} times, by the trail`)
    if (started > 0 && row.trust_level !== 'SAFE') {
      const approvedAt = kinds.indexOf('approved')
      if (approvedAt === -1 || approvedAt > kinds.indexOf('started')) {
        found.push(`${row.action_id} is ${row.trust_level} and was started without an approval`)
      }
    }
    const last = lastMarks.get(row.action_id)
    if (last === undefined) continue
    if (started === 0) found.push(`${row.action_id} ran, and the trail tells of no start`)
    if (!wasClockSet && row.finished_at !== null && last > row.finished_at) {
      found.push(
        `${row.action_id} (${row.status}) left a mark ${last - row.finished_at} ms after its recorded end`,
      )
    }
  }
  return found
}

/** The chain is computed again as the documents describe it, from the first event on. */
function faultsOfChain(events: readonly LedgerEvent[]): string[] {
  let previous = '0'.repeat(64)
  for (const [index, event] of events.entries()) {
    const { seq, timestamp, execution_id, agent_id, action_id, kind, data } = event
    if (seq !== index + 1) return [`event ${index + 1} of the audit chain is missing`]
    const fields = [previous, seq, timestamp, execution_id, agent_id, action_id, kind, data]
    const hash = createHash('sha256').update(JSON.stringify(fields)).digest('hex')
    if (event.prev_hash !== previous || event.hash !== hash) {
      return [`event ${seq} of the audit chain is not what its hash says`]
    }
    previous = hash
  }
  return []
}

const idOf = ({ agent_id, action_id }: LedgerRow): string => `${agent_id} ${action_id}`

import type { ActionResult } from '@centralpost/shared'
import type { Ledger } from '../history/ledger/ledger.ts'
import type { ResultText, Terminal } from '../history/ledger/ledger-step.ts'
import type { ActionObserver } from './action-observer.ts'

/**
 * Has a ledger report durable steps to an observer. Every step of every action passes here, so that
 * metrics and traces need no code in the flow; without an observer the ledger stays unchanged.
 */
export function observeLedger(ledger: Ledger, observers: readonly ActionObserver[]): void {
  if (observers.length === 0) return
  const takeIn = ledger.takeIn.bind(ledger)
  const step = ledger.step.bind(ledger)
  const recordExecution = ledger.recordExecution.bind(ledger)
  const markPublished = ledger.markPublished.bind(ledger)

  const timed = async <T>(write: () => Promise<T>): Promise<T> => {
    const from = performance.now()
    const written = await write()
    const seconds = (performance.now() - from) / 1000
    for (const observer of observers) observer.wrote?.(seconds)
    return written
  }

  ledger.takeIn = async (row, told, options) => {
    const { terminal, result } = heard(options?.terminal)
    const intake = await timed(() =>
      takeIn(row, told, { ...options, ...(terminal && { terminal }) }),
    )
    if (intake.kind !== 'new') {
      for (const observer of observers) observer.repeated?.(intake.kind)
      return intake
    }
    const { executionId } = intake
    const action = {
      executionId,
      agentId: row.agent_id,
      actionId: row.action_id,
      command: row.command,
      level: row.trust_level ?? null,
      state: row.status,
      at: row.timestamp,
    }
    for (const observer of observers) {
      observer.takenIn?.(action)
      if (result.value) observer.ended?.(executionId, result.value)
    }
    return intake
  }

  ledger.step = async (executionId, taken) => {
    const isTaken = await timed(() => step(executionId, taken))
    if (isTaken)
      for (const observer of observers) observer.stepped?.(executionId, taken.to, taken.at)
    return isTaken
  }

  ledger.recordExecution = async (executionId, taken, ends) => {
    if (taken.from.includes('running')) {
      for (const observer of observers) observer.ending?.(executionId)
    }
    const { terminal = ends, result } = heard(ends)
    const isTaken = await timed(() => recordExecution(executionId, taken, terminal))
    if (isTaken && result.value) {
      for (const observer of observers) observer.ended?.(executionId, result.value)
    }
    return isTaken
  }

  ledger.markPublished = async (executionIds, at) => {
    await markPublished(executionIds, at)
    for (const observer of observers) observer.published?.(executionIds)
  }
}

/** A terminal message, made available once it exists. */
function heard(terminal: Terminal | undefined): {
  terminal: Terminal | undefined
  result: { value?: ActionResult }
} {
  const result: { value?: ActionResult } = {}
  if (terminal === undefined) return { terminal, result }
  const made = (executionId: number): ResultText => {
    const text = terminal.result(executionId)
    result.value = text.result
    return text
  }
  return { terminal: { ...terminal, result: made }, result }
}

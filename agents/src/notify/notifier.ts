import type { Operator } from '../operator/operator.ts'
import { type PendingChange, type PendingFilter, PendingWatch } from '../operator/pending-watch.ts'
import type { NoticeSink } from './notice.ts'

/** Hands what waits for a person on to those who are to learn of it. */
export function handOn(change: PendingChange, sinks: readonly NoticeSink[]): void {
  if (change.kind === 'arrived') for (const sink of sinks) sink.push(change.asked)
  else if (change.kind === 'gone') for (const sink of sinks) sink.drop(change.asked)
}

/**
 * Watches the approval queue for others. What waits already at the start is told as well, and what came while the broker
 * was away when it is back.
 *
 * @param told told of every change besides
 * @throws {CentralPostError} `unavailable` when no hub answers
 */
export function notifyOf(
  operator: Operator,
  filter: PendingFilter,
  sinks: readonly NoticeSink[],
  told: (change: PendingChange) => void,
): Promise<PendingWatch> {
  return PendingWatch.open(operator, filter, (change) => {
    handOn(change, sinks)
    told(change)
  })
}

import type { Operator } from '../operator/operator.ts'
import { type PendingChange, type PendingFilter, PendingWatch } from '../operator/pending-watch.ts'
import type { NoticeSink } from './notice.ts'

/** Forwards waiting actions to the notification targets. */
export function handOn(change: PendingChange, sinks: readonly NoticeSink[]): void {
  if (change.kind === 'arrived') for (const sink of sinks) sink.push(change.asked)
  else if (change.kind === 'gone') for (const sink of sinks) sink.drop(change.asked)
}

/**
 * Watches the approval queue for the targets. Also reports actions that wait already at the start,
 * and those missed during an outage of the broker.
 *
 * @param told also called for every change
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

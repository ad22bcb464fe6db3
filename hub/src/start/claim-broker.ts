import type { Bus, Logger } from '@centralpost/shared'
import { takeOverResults } from '../action/take-over.ts'
import { BrokerClaim } from '../bus/broker-claim.ts'
import { prepareStreams, type StreamOptions } from '../bus/streams.ts'
import { type WhenThereOptions, whenThere } from '../bus/when-there.ts'
import type { History } from '../history/history.ts'
import { noteLedger, replacedLedger } from '../history/store/ledger-note.ts'

/**
 * Time limit for streams and consumers of an answering broker, in milliseconds, where the caller
 * does not wait for it.
 */
const longestPreparationMs = 30_000

/**
 * How long a starting hub retries to import results into an unwritable database, in milliseconds.
 */
const longestTakeOverMs = 600_000

interface ClaimParts {
  readonly bus: Bus
  readonly history: History
  readonly dataDir: string
  readonly streams: StreamOptions
  /** the ledger whose claim this one's takes over */
  readonly insteadOf: string | undefined
  readonly computeCommandHash: (command: string) => string
  /** another ledger has taken the claim */
  readonly onLost: (error: Error) => void
  readonly now: () => number
  readonly log: Logger
}

/** How JetStream is waited for: a cluster may have no leader at this moment. */
export function jetStreamThere(there: WhenThereOptions): WhenThereOptions {
  return { ...there, what: 'JetStream', withinMs: longestPreparationMs }
}

/**
 * Claims the broker for this ledger, prepares its streams, and enters the results that the broker keeps and the ledger
 * does not know.
 */
export async function claimBroker(
  parts: ClaimParts,
  ready: WhenThereOptions,
  opened: AsyncDisposableStack,
): Promise<void> {
  const { bus, history, dataDir, streams, computeCommandHash, now, log } = parts
  const { lease, ledger } = history
  const takeClaim = (): Promise<BrokerClaim> =>
    BrokerClaim.take(bus, {
      ...lease.tenure,
      ledgerId: lease.ledgerId,
      insteadOf: parts.insteadOf ?? replacedLedger(dataDir),
      onLost: parts.onLost,
      log,
    })
  const claim = await whenThere(takeClaim, ready)
  opened.defer(() => claim.stop())
  noteLedger(dataDir, lease.ledgerId)
  await whenThere(() => prepareStreams(bus, streams), ready)
  if (claim.isUnread) {
    const written = { giveUp: AbortSignal.timeout(longestTakeOverMs), log }
    const takeOver = { ledger, computeCommandHash, now, written, log }
    await whenThere(() => takeOverResults(bus, takeOver), ready)
    await claim.noteRead()
  }
}

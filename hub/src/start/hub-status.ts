import { hostname } from 'node:os'
import { type Bus, type HubStatus, isoOf } from '@centralpost/shared'
import type { CentralPost } from '../central-post.ts'
import type { Ledger } from '../history/ledger/ledger.ts'
import { version } from '../version.ts'

/** The hub's status: identity, load, waiting actions. */
export function hubStatus(parts: {
  readonly hubId: string
  readonly startedAt: string
  readonly bus: Bus
  readonly policy: () => string
  readonly centralPost: CentralPost
  readonly ledger: Ledger
  readonly slots: number
  readonly selfApproval: () => Promise<boolean>
  readonly now: () => number
}): () => Promise<HubStatus> {
  const { hubId, bus, centralPost, ledger, now } = parts
  return async () => ({
    hub_id: hubId,
    version,
    host: hostname(),
    pid: process.pid,
    started_at: parts.startedAt,
    time: isoOf(now()),
    accepting: bus.isConnected,
    policy: parts.policy(),
    running: centralPost.load.running,
    queued: centralPost.load.queued,
    pending: await ledger.countInState('pending'),
    unpublished: await ledger.countUnpublished(),
    slots: parts.slots,
    self_approval: await parts.selfApproval(),
  })
}

import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError, type Logger } from '@centralpost/shared'
import type { Selectable } from 'kysely'
import type { Store, Tx } from '../store/dialect/dialect.ts'
import type { HubLeaseTable } from '../store/schema.ts'
import { areNeighbours, type Holder, isProvenDead, readHolder } from './holder.ts'

export type Lease = Selectable<HubLeaseTable>

const lookMs = 250

/**
 * Waits until no earlier hub can have a running command: it returned its lease, is proven dead on
 * this machine, or its lease and then its commands' grace period are over.
 *
 * @returns those leases, and the marks of processes possibly left on this machine, which the
 *   successor must end
 * @throws {CentralPostError} `conflict` when one of them renews its lease meanwhile: it is alive
 */
export async function untilOthersAreOver(
  { db, dialect }: Store,
  asker: Holder | null,
  log: Logger,
): Promise<{ leases: readonly Lease[]; markers: readonly string[] }> {
  const waits = new Map<string, { readonly lease: Lease; readonly until: number }>()
  for (;;) {
    const leases = await db
      .selectFrom('hub_leases')
      .selectAll()
      .select(dialect.clock.as('now'))
      .where((is) => is.or([is('lease_until', 'is', null), is('lease_until', '>', 0)]))
      .execute()
    let left = 0
    for (const lease of leases) {
      const name = `${lease.hub_id}/${lease.epoch}`
      const known = waits.get(name)
      if ((known?.lease.lease_until ?? 0) < (lease.lease_until ?? 0) && known) throw lives(lease)
      const until = known?.until ?? performance.now() + waitMs(lease, lease.now, asker)
      if (!known) waits.set(name, { lease, until })
      const own = until - performance.now()
      if (!known && own > 0) log.warn('waiting for the end of an earlier hub', about(lease, own))
      left = Math.max(left, own)
    }
    if (left <= 0) return { leases, markers: markersOf(leases, asker) }
    await delay(Math.min(left, lookMs))
  }
}

/** How long the hub's commands may still run, in milliseconds. */
function waitMs(lease: Lease, now: number, asker: Holder | null): number {
  const { lease_until: until, lease_ms: leaseMs, grace_ms: graceMs } = lease
  const holder = readHolder(lease.holder)
  if (isProvenDead(holder, asker)) return 0
  // the free kernel lock of the data directory proves its hub dead; its commands end within the
  // grace period
  if (until === null) return holder !== null && holder.boot !== asker?.boot ? 0 : graceMs
  // a clock that was set back must not extend the wait beyond a lease's length
  return Math.max(0, Math.min(until - now, leaseMs) + graceMs)
}

/**
 * Checks again, in the transaction that takes over.
 *
 * @throws {CentralPostError} `conflict` when one of them has renewed its expired lease
 */
export async function checkUnrenewed(tx: Tx, seen: readonly Lease[]): Promise<void> {
  for (const lease of seen) {
    // the update waits for a concurrent renewal, and then sees it
    const { numUpdatedRows: unchanged } = await tx
      .updateTable('hub_leases')
      .set({ lease_until: 0 })
      .where('hub_id', '=', lease.hub_id)
      .where('epoch', '=', lease.epoch)
      .where((is) =>
        lease.lease_until === null
          ? is('lease_until', 'is', null)
          : is('lease_until', '=', lease.lease_until),
      )
      .executeTakeFirst()
    if (unchanged === 0n) throw lives(lease)
  }
}

function markersOf(leases: readonly Lease[], asker: Holder | null): string[] {
  return leases.flatMap((lease) => {
    const holder = readHolder(lease.holder)
    return areNeighbours(holder, asker) ? holder.marker : []
  })
}

function about(lease: Lease, ms: number): { hub: string; epoch: number; seconds: number } {
  return { hub: lease.hub_id, epoch: lease.epoch, seconds: Math.ceil(ms / 1000) }
}

function lives({ hub_id: hub, epoch }: Lease): CentralPostError {
  return new CentralPostError(
    'conflict',
    `another hub works on this database: "${hub}" (epoch ${epoch}) has just renewed its lease; stop it, or name another database in history.url`,
  )
}

import { createHash } from 'node:crypto'
import { hostname } from 'node:os'

/** The name of a hub in results and audit: as the settings say, else the host's. */
export function hubIdOf(configured: string | undefined): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 64)
  return configured ?? (host || 'hub')
}

/** Marks the processes of this hub's commands: unique among the hubs of one machine. */
export function markerOf(dataDir: string, hubId: string): string {
  return `${hubId}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`
}

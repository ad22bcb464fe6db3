import type { HistoryEntry } from '@centralpost/shared'
import { computed, effect, signal } from '@preact/signals'
import { ApiError, call } from '../api.ts'
import { ended } from '../store.ts'

export interface Filters {
  readonly query: string
  readonly agent: string
  readonly level: string
  readonly status: string
  readonly range: string
  readonly order: 'newest' | 'best'
}

const none: Filters = { query: '', agent: '', level: '', status: '', range: '', order: 'newest' }
const restMs = 120
const pageLength = 50

export const filters = signal<Filters>(none)
export const entries = signal<readonly HistoryEntry[]>([])
export const problem = signal<string | null>(null)
export const isLooking = signal(false)
export const nextCursor = signal<string | null>(null)
export const isFiltered = computed(() => JSON.stringify(filters.value) !== JSON.stringify(none))
/** Counts up when the view opens, so that the list is never stale. */
export const opened = signal(0)

export const clearFilters = (): void => {
  filters.value = none
}

const hoursOf: Readonly<Record<string, number>> = { hour: 1, day: 24, week: 168, month: 720 }

/** The filters in the form of the hub's query. */
export function callOf({ query, agent, level, status, range }: Filters): Record<string, unknown> {
  const hours = hoursOf[range]
  return {
    ...(query.trim() !== '' && { query: query.trim() }),
    ...(/^[A-Za-z0-9_-]{1,64}$/.test(agent) && { agent_id: agent }),
    ...(level !== '' && { trust_level: level }),
    ...(status !== '' && { status }),
    ...(hours !== undefined && { since: new Date(Date.now() - hours * 3_600_000).toISOString() }),
  }
}

interface Page {
  readonly entries: readonly HistoryEntry[]
  readonly next: number | null
  readonly next_cursor?: string | null
}

let asking: AbortController | undefined

/** Searches once typing pauses; drops the answer to an outdated query. */
export function watchFilters(): () => void {
  return effect(() => {
    const asked = filters.value
    void opened.value
    // actions that end while the list is open are added
    void ended.value
    const timer = setTimeout(() => void look(asked, null), restMs)
    return () => clearTimeout(timer)
  })
}

export const more = (): Promise<void> => look(filters.value, nextCursor.value)

async function look(asked: Filters, cursor: string | null): Promise<void> {
  asking?.abort()
  const stop = new AbortController()
  asking = stop
  isLooking.value = true
  try {
    const hasQuery = asked.query.trim() !== ''
    const page = await call<Page>(
      'history',
      {
        ...callOf(asked),
        limit: pageLength,
        ...(hasQuery && { order: asked.order }),
        ...(cursor !== null && { cursor }),
      },
      stop.signal,
    )
    entries.value = cursor === null ? page.entries : [...entries.value, ...page.entries]
    nextCursor.value = page.next_cursor ?? null
    problem.value = null
  } catch (error) {
    if (stop.signal.aborted) return
    problem.value = error instanceof ApiError ? error.message : String(error)
  } finally {
    if (!stop.signal.aborted) isLooking.value = false
  }
}

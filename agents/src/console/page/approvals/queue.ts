import type { ApprovalNeeded } from '@centralpost/shared'
import { computed, effect, signal } from '@preact/signals'
import { type Decided, keyOf } from '../../wire/feed-message.ts'
import { onDecided } from '../feed.ts'
import { route } from '../route.ts'
import { pendingList, pending } from '../store.ts'

/**
 * The selected and marked requests. Follows actions, never list positions: arrivals move nothing.
 */
export const selectedKey = signal<string | null>(null)
export const marked = signal<ReadonlySet<string>>(new Set())
export const wanted = signal('')
/** the selected action, if it was settled elsewhere while it was being read */
export const tombstone = signal<{ readonly asked: ApprovalNeeded; readonly end: Decided } | null>(
  null,
)
/** decisions of this page, in progress or just made */
export const decidingHere = new Set<string>()
/** When the selection last moved by itself: a key meant for the previous action must not count. */
let movedAt = 0
const settleMs = 500

export const listed = computed(() => {
  const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return pendingList.value
  return pendingList.value.filter((asked) => {
    const text =
      `${asked.command} ${asked.agent_id} ${asked.workflow_id ?? ''} ${asked.context ?? ''} ${asked.risk.level}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
})

/** The target of a decision: never a row that is not shown. */
export const selected = computed(() => {
  const key = selectedKey.value
  return listed.value.find((asked) => keyOf(asked) === key)
})

export const markedList = computed(() =>
  listed.value.filter((asked) => marked.value.has(keyOf(asked))),
)

export function select(key: string | null): void {
  tombstone.value = null
  const isListed = listed.value.some((asked) => keyOf(asked) === key)
  // the address may name an action that the search hides
  if (key !== null && !isListed && pending.value.has(key)) wanted.value = ''
  selectedKey.value = key
}

/** Whether the operator has had time to see the current selection. */
export const hasSettled = (): boolean => performance.now() - movedAt > settleMs

export function step(by: 1 | -1): void {
  const keys = listed.value.map(keyOf)
  const at = keys.indexOf(selectedKey.value ?? '')
  const next = at < 0 ? 0 : Math.min(keys.length - 1, Math.max(0, at + by))
  select(keys[next] ?? null)
}

export function toggleMark(key: string): void {
  const next = new Set(marked.value)
  if (!next.delete(key)) next.add(key)
  marked.value = next
}

export function toggleAll(): void {
  const keys = listed.value.map(keyOf)
  const hasAll = keys.every((key) => marked.value.has(key))
  marked.value = new Set(hasAll ? [] : keys)
}

onDecided((end) => {
  const key = keyOf(end)
  if (marked.value.has(key)) toggleMark(key)
  if (selectedKey.value !== key) return
  const asked = pending.value.get(key)
  if (decidingHere.has(key)) {
    // the next one below, else the one above
    const keys = listed.value.map(keyOf)
    const at = keys.indexOf(key)
    selectedKey.value = keys[at + 1] ?? keys[at - 1] ?? null
    movedAt = performance.now()
  } else if (asked && route.value.view === 'approvals') tombstone.value = { asked, end }
})

// actions settled while another view is open are of no interest on return
effect(() => {
  if (route.value.view !== 'approvals') tombstone.value = null
})

// a shown request is selected whenever there is one: a search that hides the selection moves it
effect(() => {
  const [first] = listed.value
  if (tombstone.value !== null || first === undefined) return
  if (selected.value === undefined) {
    selectedKey.value = keyOf(first)
    movedAt = performance.now()
  }
})

import type { ApprovalNeeded } from '@centralpost/shared'
import { computed, signal } from '@preact/signals'
import type {
  Decided,
  EndedAction,
  HubView,
  OutputBytes,
  RunningAction,
  SeenAgent,
} from '../wire/feed-message.ts'

/** The state sent by the server, as the views read it. Only `feed.ts` writes here. */
export const pending = signal<ReadonlyMap<string, ApprovalNeeded>>(new Map())
export const running = signal<ReadonlyMap<string, RunningAction>>(new Map())
export const bytes = signal<ReadonlyMap<string, OutputBytes>>(new Map())
/** newest first */
export const ended = signal<readonly EndedAction[]>([])
export const decided = signal<ReadonlyMap<string, Decided>>(new Map())
export const agents = signal<readonly SeenAgent[]>([])
export const hub = signal<HubView | null>(null)
export const me = signal<{
  readonly operator: string
  readonly agent: string | null
  readonly feed: string
} | null>(null)
/** changes with the always rules: another number means other rules */
export const ruleChanges = signal(0)
export const connection = signal<'connecting' | 'open' | 'lost'>('connecting')

/** oldest first */
export const pendingList = computed(() =>
  [...pending.value.values()].toSorted((a, b) => a.execution_id - b.execution_id),
)
export const runningList = computed(() => [...running.value.values()])
/** The obstacle between operator and hub, or null: everything works. */
export const trouble = computed(() => {
  if (connection.value === 'lost') return 'console-away'
  if (hub.value === null || hub.value.state === 'up') return null
  return hub.value.state
})
/** Whether this operator may approve their own requests. */
export const maySelfApprove = computed(() => hub.value?.hubs[0]?.self_approval ?? false)

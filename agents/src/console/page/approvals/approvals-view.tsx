import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { keyOf } from '../../wire/feed-message.ts'
import { address, route } from '../route.ts'
import { connection, ended, pendingList, trouble } from '../store.ts'
import { moment, plural } from '../text/format.ts'
import { ShownCommand } from '../text/shown.tsx'
import { StatusBadge } from '../ui/badges.tsx'
import { Mark } from '../ui/icons.tsx'
import { useKeys } from '../ui/keys.ts'
import { toast } from '../ui/toasts.tsx'
import { approve } from './decide.ts'
import { ask, isReadNow, Questions, whyNotApprove } from './questions.tsx'
import { RequestDetail, Tombstone } from './request-detail.tsx'
import { RequestRow } from './request-row.tsx'
import {
  hasSettled,
  listed,
  marked,
  markedList,
  select,
  selected,
  selectedKey,
  step,
  toggleAll,
  toggleMark,
  tombstone,
  wanted,
} from './queue.ts'

/** the high-risk action that waits for a second approval press */
const askedTwice = signal<{ readonly key: string; readonly at: number } | null>(null)
const betweenPressesMs = 600
const onPhone = matchMedia('(max-width: 760px)')
/** on a phone: the list, or the selected request */
const showsDetail = signal(false)

export function ApprovalsView() {
  const { agentId, actionId } = route.value
  useEffect(() => {
    if (agentId === null || actionId === null) return
    select(`${agentId}.${actionId}`)
    showsDetail.value = true
  }, [agentId, actionId])
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    a: () => approveSelected(),
    A: () => ask('always'),
    m: () => ask(markedList.value.length > 0 ? 'approve-many' : 'comment'),
    d: () => ask(markedList.value.length > 0 ? 'deny-many' : 'deny'),
    x: () => {
      if (selectedKey.value !== null) toggleMark(selectedKey.value)
    },
    X: toggleAll,
    '/': () => document.getElementById('find-request')?.focus(),
  })
  const count = pendingList.value.length
  return (
    <section class="approvals" aria-labelledby="approvals-title">
      <h1 id="approvals-title">
        Waiting for you <span class="big-count">{count}</span>
      </h1>
      {count === 0 && tombstone.value === null ? (
        <Nothing />
      ) : (
        <div class={showsDetail.value ? 'split shows-detail' : 'split'}>
          <Queue />
          <Chosen />
        </div>
      )}
      <Questions />
    </section>
  )
}

function Queue() {
  return (
    <div class="queue">
      <div class="queue-head">
        <input
          id="find-request"
          type="search"
          placeholder="Find: command, agent, workflow, risk"
          aria-label="Find a request"
          value={wanted.value}
          onInput={(event) => {
            wanted.value = event.currentTarget.value
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
        <MarkedBar />
      </div>
      <ul class="requests" aria-label="Requests that wait">
        {listed.value.map((asked) => {
          const key = keyOf(asked)
          return (
            <RequestRow
              key={key}
              asked={asked}
              isSelected={selectedKey.value === key}
              isMarked={marked.value.has(key)}
              choose={choose}
              mark={toggleMark}
            />
          )
        })}
      </ul>
      {listed.value.length === 0 && <p class="muted">No waiting request matches.</p>}
    </div>
  )
}

function choose(key: string): void {
  select(key)
  showsDetail.value = true
  // a scrolled list would open the request below its command
  if (onPhone.matches) requestAnimationFrame(() => scrollTo({ top: 0, behavior: 'instant' }))
}

function MarkedBar() {
  const count = markedList.value.length
  if (count === 0) return null
  return (
    <div class="marked-bar">
      <span>{count} marked</span>
      <button type="button" onClick={() => ask('approve-many')} disabled={trouble.value !== null}>
        Approve…
      </button>
      <button type="button" onClick={() => ask('deny-many')} disabled={trouble.value !== null}>
        Deny…
      </button>
      <button
        type="button"
        class="quiet"
        onClick={() => {
          marked.value = new Set()
        }}
      >
        None
      </button>
    </div>
  )
}

function Chosen() {
  const asked = selected.value
  const back = (
    <button
      type="button"
      class="back quiet"
      onClick={() => {
        showsDetail.value = false
      }}
    >
      ‹ All waiting requests
    </button>
  )
  if (tombstone.value !== null) {
    return (
      <div class="chosen">
        {back}
        <Tombstone {...tombstone.value} next={() => step(1)} />
      </div>
    )
  }
  if (asked === undefined) return <div class="chosen" />
  const key = keyOf(asked)
  return (
    <div class="chosen">
      {back}
      <RequestDetail
        key={key}
        asked={asked}
        needsSecondPress={askedTwice.value?.key === key}
        blockedBecause={whyNotApprove(asked.agent_id)}
        approve={approveSelected}
        comment={() => ask('comment')}
        always={() => ask('always')}
        deny={() => ask('deny')}
      />
    </div>
  )
}

function move(by: 1 | -1): void {
  askedTwice.value = null
  step(by)
  const row = document.querySelector('.requests [aria-current="true"]')
  row?.scrollIntoView({ block: 'nearest' })
  // the selection is drawn after this
  requestAnimationFrame(() =>
    document.querySelector('.requests [aria-current="true"]')?.scrollIntoView({ block: 'nearest' }),
  )
}

function approveSelected(): void {
  if (markedList.value.length > 0) {
    ask('approve-many')
    return
  }
  const asked = selected.value
  if (asked === undefined) return
  const why = whyNotApprove(asked.agent_id)
  if (why !== null) {
    toast('bad', why)
    return
  }
  if (!hasSettled()) {
    toast('note', 'Another request has just moved here: read it, then decide.')
    return
  }
  if (!isReadNow(asked)) return
  const key = keyOf(asked)
  if (asked.risk.level === 'high') {
    const first = askedTwice.value
    const now = performance.now()
    if (first?.key !== key) {
      askedTwice.value = { key, at: now }
      return
    }
    // a bouncing key is not a second press
    if (now - first.at < betweenPressesMs) return
  }
  askedTwice.value = null
  void approve([asked])
}

function Nothing() {
  const lately = ended.value.slice(0, 8)
  return (
    <div class="nothing">
      <Mark />
      <p class="lead">
        {connection.value === 'connecting' ? 'Looking…' : 'Nothing waits for you.'}
      </p>
      <p class="muted">New requests appear here by themselves. You can leave this page open.</p>
      {lately.length > 0 && (
        <div class="lately">
          <h2>Lately</h2>
          <ul>
            {lately.map((result) => (
              <li key={keyOf(result)}>
                <a href={address('history', result)}>
                  <StatusBadge status={result.status} />
                  <ShownCommand command={result.command} />
                  <span class="muted">
                    {result.agent_id} · {moment(result.finished_at)}
                  </span>
                </a>
              </li>
            ))}
          </ul>
          <p class="muted">{plural(ended.value.length, 'action')} since this console began.</p>
        </div>
      )}
    </div>
  )
}

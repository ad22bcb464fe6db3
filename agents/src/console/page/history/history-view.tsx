import type { HistoryEntry } from '@centralpost/shared'
import { useEffect, useState } from 'preact/hooks'
import { keyOf } from '../../wire/feed-message.ts'
import { download } from '../api.ts'
import { address, go, route } from '../route.ts'
import { agents } from '../store.ts'
import { duration, moment } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { LevelBadge, StatusBadge } from '../ui/badges.tsx'
import { useKeys } from '../ui/keys.ts'
import { sayProblem } from '../ui/toasts.tsx'
import { ActionDetailPane } from './action-detail.tsx'
import {
  callOf,
  clearFilters,
  entries,
  type Filters,
  filters,
  isFiltered,
  isLooking,
  more,
  nextCursor,
  opened,
  problem,
  watchFilters,
} from './search.ts'
import { Snippet } from './snippet.tsx'

const statuses = [
  'completed',
  'failed',
  'timed_out',
  'denied',
  'expired',
  'cancelled',
  'interrupted',
  'rejected',
  'running',
  'queued',
  'pending',
] as const

const set = (change: Partial<Filters>): void => {
  filters.value = { ...filters.value, ...change }
}

export function HistoryView() {
  const { agentId, actionId } = route.value
  useEffect(() => {
    opened.value += 1
    return watchFilters()
  }, [])
  const key = agentId === null ? null : `${agentId}.${actionId}`
  const move = (by: number): void => {
    const list = entries.value
    const at = list.findIndex((entry) => keyOf(entry) === key)
    const next = list[Math.min(list.length - 1, Math.max(0, at + by))]
    if (next) go('history', next)
  }
  useKeys({
    '/': () => document.getElementById('find-history')?.focus(),
    j: () => move(1),
    k: () => move(-1),
    Escape: () => go('history'),
  })
  return (
    <section class="history" aria-labelledby="history-title">
      <h1 id="history-title">History</h1>
      <Find />
      <div class={key === null ? 'split single' : 'split shows-detail'}>
        <div class="results" aria-busy={isLooking.value}>
          <Found chosen={key} />
        </div>
        {agentId !== null && actionId !== null && (
          <div class="chosen">
            <a class="back button quiet" href={address('history')}>
              ‹ All
            </a>
            <ActionDetailPane key={key} agentId={agentId} actionId={actionId} />
          </div>
        )}
      </div>
    </section>
  )
}

function Find() {
  const { query, agent, level, status, range, order } = filters.value
  return (
    <search class="find">
      <input
        id="find-history"
        type="search"
        aria-label="Search the history"
        placeholder="Words of command, context and output; “a phrase”, pre*"
        value={query}
        onInput={(event) => set({ query: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur()
        }}
      />
      <div class="filters">
        <label>
          agent
          <input
            list="known-agents"
            value={agent}
            placeholder="any"
            onInput={(event) => set({ agent: event.currentTarget.value })}
          />
          <datalist id="known-agents">
            {agents.value.map(({ agent_id: id }) => (
              <option value={id} />
            ))}
          </datalist>
        </label>
        <Choice
          name="verdict"
          value={level}
          options={['SAFE', 'REVIEW', 'BLOCKED']}
          change={(value) => set({ level: value })}
        />
        <Choice
          name="end"
          value={status}
          options={statuses}
          change={(value) => set({ status: value })}
        />
        <Choice
          name="since"
          value={range}
          options={['hour', 'day', 'week', 'month']}
          change={(value) => set({ range: value })}
        />
        {query.trim() !== '' && (
          <Choice
            name="order"
            value={order}
            options={['newest', 'best']}
            isRequired
            change={(value) => set({ order: value === 'best' ? 'best' : 'newest' })}
          />
        )}
        {isFiltered.value && (
          <button type="button" class="quiet" onClick={clearFilters}>
            Clear
          </button>
        )}
        <span class="export">
          Export
          {(['jsonl', 'csv'] as const).map((format) => (
            <button
              key={format}
              type="button"
              onClick={() => {
                download({ kind: 'history', call: { ...callOf(filters.value), format } }).catch(
                  (error: unknown) => sayProblem('No export', error),
                )
              }}
            >
              {format.toUpperCase()}
            </button>
          ))}
        </span>
      </div>
    </search>
  )
}

function Choice({
  name,
  value,
  options,
  change,
  isRequired = false,
}: {
  readonly name: string
  readonly value: string
  readonly options: readonly string[]
  readonly change: (value: string) => void
  readonly isRequired?: boolean
}) {
  return (
    <label>
      {name}
      <select value={value} onChange={(event) => change(event.currentTarget.value)}>
        {!isRequired && <option value="">any</option>}
        {options.map((option) => (
          <option key={option} value={option}>
            {option.replace('_', ' ')}
          </option>
        ))}
      </select>
    </label>
  )
}

function Found({ chosen }: { readonly chosen: string | null }) {
  const [isMore, setMore] = useState(false)
  if (problem.value !== null) {
    return (
      <p class="notice bad" role="alert">
        The history is not available now: <Shown text={problem.value} />
      </p>
    )
  }
  if (entries.value.length === 0) {
    if (isLooking.value) return <p class="muted">Looking…</p>
    return (
      <p class="notice">
        {isFiltered.value
          ? 'No recorded execution matches. Try fewer words or filters.'
          : 'Nothing is recorded yet. Every action appears here: completed, denied, blocked, expired or rejected.'}
      </p>
    )
  }
  return (
    <>
      <ul class="entries" aria-label="Executions, newest first">
        {entries.value.map((entry) => (
          <Entry key={keyOf(entry)} entry={entry} isChosen={chosen === keyOf(entry)} />
        ))}
      </ul>
      {nextCursor.value !== null && (
        <button
          type="button"
          disabled={isMore}
          onClick={() => {
            setMore(true)
            void more().finally(() => setMore(false))
          }}
        >
          More
        </button>
      )}
    </>
  )
}

function Entry({ entry, isChosen }: { readonly entry: HistoryEntry; readonly isChosen: boolean }) {
  return (
    <li>
      <a href={address('history', entry)} aria-current={isChosen ? 'true' : undefined}>
        <span class="entry-command">
          <ShownCommand command={entry.command.slice(0, 300)} />
        </span>
        {entry.snippet != null && entry.snippet !== '' && <Snippet text={entry.snippet} />}
        <span class="entry-facts">
          <StatusBadge status={entry.status} />
          <LevelBadge level={entry.trust_level} />
          <span>{entry.agent_id}</span>
          {entry.approved_by !== null && entry.approved_by !== 'auto' && (
            <span class="muted">
              {`operator-${entry.approved_by}` === entry.agent_id
                ? 'self-approved'
                : `by ${entry.approved_by}`}
            </span>
          )}
          {entry.duration !== null && <span class="muted">{duration(entry.duration)}</span>}
          <span class="muted when">{moment(entry.requested_at)}</span>
        </span>
      </a>
    </li>
  )
}

import type { Overview } from '@centralpost/shared'
import { useState } from 'preact/hooks'
import { ended } from '../store.ts'
import { duration, moment, percent, plural } from '../text/format.ts'
import { ShownCommand, Shown } from '../text/shown.tsx'
import { Asked } from '../ui/asked.tsx'
import { Patterns } from './patterns.tsx'
import { BarList, DurationBars, StackedColumns } from './plots.tsx'
import { ProposalsView } from './proposals.tsx'

const ranges = [
  ['hour', 1, 30],
  ['day', 24, 48],
  ['week', 168, 42],
  ['month', 720, 30],
] as const
type RangeName = (typeof ranges)[number][0]

const tabs = ['overview', 'patterns', 'proposals'] as const
type Tab = (typeof tabs)[number]

export function InsightsView() {
  const [tab, setTab] = useState<Tab>('overview')
  return (
    <section class="insights" aria-labelledby="insights-title">
      <h1 id="insights-title">Insights</h1>
      <div class="tabs" role="tablist" aria-label="Insights">
        {tabs.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={tab === name}
            aria-controls="insights-panel"
            onClick={() => setTab(name)}
          >
            {name === 'overview'
              ? 'Overview'
              : name === 'patterns'
                ? 'What works'
                : 'Proposed rules'}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="insights-panel" aria-labelledby={`tab-${tab}`}>
        {tab === 'overview' && <OverviewTab />}
        {tab === 'patterns' && <Patterns />}
        {tab === 'proposals' && <ProposalsView />}
      </div>
    </section>
  )
}

function OverviewTab() {
  const [range, setRange] = useState<RangeName>('day')
  const [, hours, buckets] = ranges.find(([name]) => name === range) ?? ranges[1]
  return (
    <>
      <fieldset class="streams">
        <legend class="unheard">The last</legend>
        {ranges.map(([name]) => (
          <label key={name}>
            <input
              type="radio"
              name="range"
              checked={range === name}
              onChange={() => setRange(name)}
            />
            {name}
          </label>
        ))}
      </fieldset>
      <Asked<Overview>
        key={range}
        endpoint="overview"
        body={{
          since: new Date(
            Math.floor(Date.now() / 60_000) * 60_000 - hours * 3_600_000,
          ).toISOString(),
          buckets,
        }}
        again={ended.value.length}
      >
        {(overview) => <Plots overview={overview} />}
      </Asked>
    </>
  )
}

function Plots({ overview }: { readonly overview: Overview }) {
  if (overview.total === 0) {
    return (
      <p class="notice">
        Nothing was requested in this time. Choose a longer one, or come back later.
      </p>
    )
  }
  const { approvals, by_level: levels, by_status: states } = overview
  const ran = (states['completed'] ?? 0) + (states['failed'] ?? 0) + (states['timed_out'] ?? 0)
  const settled = approvals.approved + approvals.denied + approvals.expired
  return (
    <div class="plots">
      <ul class="figures" aria-label="In figures">
        <Figure value={String(overview.total)} name="actions" />
        <Figure
          value={percent(ran === 0 ? null : (states['completed'] ?? 0) / ran)}
          name="of all runs succeeded"
        />
        <Figure value={duration(overview.durations.p50)} name="median duration" />
        <Figure value={duration(overview.waiting.p50)} name="median wait for approval" />
        <Figure value={String(levels['BLOCKED'] ?? 0)} name="blocked" />
      </ul>
      <figure class="plot wide">
        <figcaption>Actions over time, by verdict</figcaption>
        <StackedColumns
          columns={overview.buckets.map(({ at, by_level: counts }) => ({
            label: moment(at),
            parts: [counts['SAFE'] ?? 0, counts['REVIEW'] ?? 0, counts['BLOCKED'] ?? 0],
          }))}
          names={['SAFE', 'REVIEW', 'BLOCKED']}
          end="now"
        />
      </figure>
      <figure class="plot">
        <figcaption>Run times of commands</figcaption>
        <DurationBars durations={overview.durations} />
      </figure>
      <figure class="plot">
        <figcaption>Waiting times for approval</figcaption>
        {overview.waiting.count === 0 ? (
          <p class="muted">No approval was needed.</p>
        ) : (
          <DurationBars durations={overview.waiting} />
        )}
        <p class="muted">
          {plural(settled, 'request')} needed approval: {approvals.approved} approved,{' '}
          {approvals.denied} denied, {approvals.expired} expired; {approvals.by_rule} cleared by an
          always rule.
        </p>
      </figure>
      <figure class="plot">
        <figcaption>Success, by program</figcaption>
        <BarList
          bars={overview.programs
            .filter(({ success_rate: rate }) => rate !== null)
            .map((one) => ({
              name: <Shown text={one.program} />,
              share: one.success_rate ?? 0,
              text: `${percent(one.success_rate)} of ${one.executions}`,
            }))}
        />
      </figure>
      <figure class="plot">
        <figcaption>Refused most</figcaption>
        {overview.denied.length === 0 ? (
          <p class="muted">Nothing was refused.</p>
        ) : (
          <BarList
            kind="blocked"
            bars={overview.denied.map((one) => ({
              name: <ShownCommand command={one.command.slice(0, 120)} />,
              share: one.count / Math.max(...overview.denied.map(({ count }) => count)),
              text: plural(one.count, 'time'),
            }))}
          />
        )}
      </figure>
      <figure class="plot">
        <figcaption>By agent</figcaption>
        <BarList
          kind="plain"
          bars={overview.agents.map((one) => ({
            name: one.agent_id,
            share:
              one.executions / Math.max(...overview.agents.map(({ executions }) => executions)),
            text: `${one.executions}, ${one.failed} failed, ${one.denied} denied`,
          }))}
        />
      </figure>
      {Object.keys(overview.by_error).length > 0 && (
        <figure class="plot">
          <figcaption>Why commands fail</figcaption>
          <BarList
            kind="blocked"
            bars={Object.entries(overview.by_error).map(([name, count]) => ({
              name: name.replace('_', ' '),
              share: count / Math.max(...Object.values(overview.by_error)),
              text: plural(count, 'time'),
            }))}
          />
        </figure>
      )}
    </div>
  )
}

function Figure({ value, name }: { readonly value: string; readonly name: string }) {
  return (
    <li>
      <strong>{value}</strong>
      <span>{name}</span>
    </li>
  )
}

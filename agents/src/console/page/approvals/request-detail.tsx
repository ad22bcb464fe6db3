import type { ApprovalNeeded } from '@centralpost/shared'
import type { ComponentChildren } from 'preact'
import type { Decided } from '../../wire/feed-message.ts'
import { address } from '../route.ts'
import { me, pendingList, trouble } from '../store.ts'
import { duration, moment, plural } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { RiskBadge } from '../ui/badges.tsx'
import { JudgedParts } from '../ui/judged-parts.tsx'
import { EarlierRuns } from './earlier-runs.tsx'
import { readingOf } from './reading.ts'
import { Countdown } from './request-row.tsx'
import { WhatRuns } from './what-runs.tsx'

export function RequestDetail({
  asked,
  needsSecondPress,
  blockedBecause,
  approve,
  comment,
  always,
  deny,
}: {
  readonly asked: ApprovalNeeded
  readonly needsSecondPress: boolean
  readonly blockedBecause: string | null
  readonly approve: () => void
  readonly comment: () => void
  readonly always: () => void
  readonly deny: () => void
}) {
  const isOwn = asked.agent_id === me.value?.agent
  const { isRead } = readingOf(asked.digest)
  const canAlways = asked.always.some(({ rule }) => rule !== null)
  return (
    <article class={`detail ${asked.risk.level}`} aria-label={`Request of ${asked.agent_id}`}>
      <header>
        <p class="from">
          <strong>{asked.agent_id}</strong>
          {asked.agent_type !== null && (
            <span class="muted">
              {' '}
              (<Shown text={asked.agent_type} />)
            </span>
          )}{' '}
          asks to run
          {isOwn && <span class="badge own">typed by you</span>}
        </p>
        <Countdown until={asked.expires_at} />
      </header>
      <WhatRuns key={asked.digest} asked={asked} />
      {asked.context !== null && (
        <blockquote>
          <Shown text={asked.context} lines />
        </blockquote>
      )}
      <NotBound asked={asked} />
      <Why asked={asked} />
      <Facts asked={asked} />
      <EarlierRuns command={asked.command} />
      <footer class="decide">
        <div class="buttons">
          <button
            type="button"
            class={`primary${needsSecondPress ? ' danger' : ''}${isRead ? '' : ' unread'}`}
            onClick={approve}
            disabled={blockedBecause !== null}
          >
            {needsSecondPress ? 'High risk: approve anyway' : 'Approve once'} <kbd>a</kbd>
          </button>
          <button type="button" onClick={comment} disabled={blockedBecause !== null}>
            Comment… <kbd>m</kbd>
          </button>
          <button
            type="button"
            onClick={always}
            disabled={blockedBecause !== null || !canAlways}
            title={canAlways ? undefined : 'No rule can be made for this command'}
          >
            Always… <kbd>A</kbd>
          </button>
          <button type="button" class="deny" onClick={deny} disabled={trouble.value !== null}>
            Deny… <kbd>d</kbd>
          </button>
        </div>
        <p class="muted" aria-live="polite">
          {blockedBecause ??
            (!isRead
              ? 'You have not seen all of it: read it to its end, then decide.'
              : needsSecondPress
                ? 'Press again if you have read it. Approval cannot be undone.'
                : isOwn
                  ? 'You requested this yourself: approval is recorded as self-approved. It cannot be undone.'
                  : 'A decision cannot be undone. Running commands can be cancelled.')}
        </p>
      </footer>
    </article>
  )
}

/** Files that the approval does not bind, and the number of identical requests. */
function NotBound({ asked }: { readonly asked: ApprovalNeeded }) {
  const { not_bound: notBound = [], digest } = asked
  const same = pendingList.value.filter((one) => one.digest === digest).length - 1
  return (
    <>
      {notBound.length > 0 && (
        <section class="not-bound">
          <h2>Can still change after your approval</h2>
          <ul class="plain">
            {notBound.map((what) => (
              <li>
                <Shown text={what} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {same > 0 && (
        <p class="not-bound">
          {plural(same, 'identical request also waits', 'identical requests also wait')}. This
          approval covers only this one.
        </p>
      )}
    </>
  )
}

function Why({ asked }: { readonly asked: ApprovalNeeded }) {
  const { verdict, risk } = asked
  return (
    <section class="why">
      <div>
        <h2>Why it needs you</h2>
        <ul class="plain">
          {verdict.reasons.map((reason) => (
            <li>
              <Shown text={reason} />
            </li>
          ))}
        </ul>
        <JudgedParts units={verdict.units} />
      </div>
      <div class="risk-box">
        <h2>Risk</h2>
        <p>
          <RiskBadge level={risk.level} /> <span class="score">{risk.score} points</span>{' '}
          <span class="muted">medium from 20, high from 50</span>
        </p>
        <ul class="plain">
          {risk.parts.map(({ name, points }) => (
            <li>
              <span class="points">+{points}</span> <Shown text={name} />
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}

function Facts({ asked }: { readonly asked: ApprovalNeeded }) {
  const { plan } = asked.verdict
  const bound = Object.entries(asked.bound).filter(([name]) => !name.startsWith('not bound'))
  const { sandbox } = asked
  const hardening = Object.entries(plan.env ?? {})
  return (
    <dl class="facts">
      <Fact name="runs as">
        {plan.kind === 'argv' && plan.argv.join(' ') === asked.command ? (
          'one program, no shell'
        ) : plan.kind === 'argv' ? (
          <>
            one program, no shell:{' '}
            <code>
              <Shown text={JSON.stringify(plan.argv)} />
            </code>
          </>
        ) : (
          'a script for bash, exactly as shown'
        )}
      </Fact>
      {sandbox != null && (
        <Fact name="sandbox">
          <Shown text={sandbox} />
        </Fact>
      )}
      {hardening.length > 0 && (
        <Fact name="added by the hub">
          <Pairs pairs={hardening} />
        </Fact>
      )}
      <Fact name="for at most">{duration(asked.timeout)}</Fact>
      {asked.workflow_id !== null && (
        <Fact name="workflow">
          <Shown text={asked.workflow_id} />
        </Fact>
      )}
      <Fact name="asked at">{moment(asked.requested_at)}</Fact>
      {asked.approvals_needed > 1 && (
        <Fact name="approved by">
          {asked.approvals.join(', ') || 'nobody yet'} ({asked.approvals_needed} must)
        </Fact>
      )}
      {bound.length > 0 && (
        <Fact name="binds">
          <details>
            <summary>
              {plural(bound.length, 'program or file', 'programs and files')}, checked again before
              the start
            </summary>
            <ul class="plain mono">
              {bound.map(([name, value]) => (
                <li>
                  <Shown text={name} /> <span class="muted">{value.slice(0, 16)}</span>
                </li>
              ))}
            </ul>
          </details>
        </Fact>
      )}
      <Fact name="action">
        <code>{asked.action_id}</code>
      </Fact>
    </dl>
  )
}

function Pairs({ pairs }: { readonly pairs: readonly (readonly [string, string])[] }) {
  return (
    <ul class="plain mono">
      {pairs.map(([name, value]) => (
        <li>
          <Shown text={`${name}=${value}`} />
        </li>
      ))}
    </ul>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

const ends: Readonly<Record<Decided['how'], string>> = {
  approved: 'approved',
  denied: 'denied',
  expired: 'has expired',
  cancelled: 'was withdrawn',
  gone: 'no longer waits',
}

const endsUnnamed: Readonly<Record<Decided['how'], string>> = {
  ...ends,
  approved: 'was approved',
  denied: 'was denied',
}

/** The remains of a request that was settled elsewhere while it was being read. */
export function Tombstone({
  asked,
  end,
  next,
}: {
  readonly asked: ApprovalNeeded
  readonly end: Decided
  readonly next: () => void
}) {
  return (
    <article class="detail settled" aria-label="A request that is settled">
      <p class="from" role="status">
        {end.by === null ? (
          <strong>This request {endsUnnamed[end.how]}</strong>
        ) : (
          <strong>
            {end.by} {ends[end.how]} this request
          </strong>
        )}{' '}
        <span class="muted">{moment(end.at)}</span>
      </p>
      <pre class="command-block">
        <ShownCommand command={asked.command} units={asked.verdict.units} />
      </pre>
      {end.reason !== null && (
        <blockquote>
          <Shown text={end.reason} lines />
        </blockquote>
      )}
      <p>Nothing is left to decide.</p>
      <div class="buttons">
        <button type="button" class="primary" onClick={next}>
          Next <kbd>j</kbd>
        </button>
        <a class="button" href={address('history', asked)}>
          See its outcome
        </a>
      </div>
    </article>
  )
}

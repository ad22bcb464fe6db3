import type { HubStatus, VerifyReply } from '@centralpost/shared'
import { useState } from 'preact/hooks'
import { ApiError, call } from '../api.ts'
import { second } from '../clock.ts'
import { agents, hub, me, trouble } from '../store.ts'
import { duration, moment, plural } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { Asked } from '../ui/asked.tsx'

interface Violation {
  readonly command: string
  readonly example: string
  readonly count: number
  readonly agents: readonly string[]
  readonly last_execution: string
}

export function SystemView() {
  const view = hub.value
  return (
    <section class="system" aria-labelledby="system-title">
      <h1 id="system-title">System</h1>
      <h2>Hubs</h2>
      {view === null || view.hubs.length === 0 ? (
        <p class="notice">No hub has answered yet.</p>
      ) : (
        <ul class="cards">
          {view.hubs.map((one) => (
            <Hub key={one.hub_id} status={one} isAway={trouble.value !== null} />
          ))}
        </ul>
      )}
      <h2>Agents</h2>
      {agents.value.length === 0 ? (
        <p class="notice">No agent has requested anything since this console started.</p>
      ) : (
        <div class="table" tabIndex={0} role="region" aria-label="Agents">
          <table>
            <thead>
              <tr>
                <th scope="col">agent</th>
                <th scope="col">kind</th>
                <th scope="col">requests</th>
                <th scope="col">asked last</th>
              </tr>
            </thead>
            <tbody>
              {agents.value.map((one) => (
                <tr key={one.agent_id}>
                  <th scope="row">{one.agent_id}</th>
                  <td>
                    <Shown text={one.agent_type ?? '–'} />
                  </td>
                  <td>{one.requests}</td>
                  <td>{moment(one.last_seen)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <h2>Audit trail</h2>
      <Verify />
      <h2>Python outside a virtual environment</h2>
      <Asked<{ readonly violations: readonly Violation[] }> endpoint="violations">
        {({ violations }) =>
          violations.length === 0 ? (
            <p class="notice">None was recorded.</p>
          ) : (
            <ul class="slips">
              {violations.map((one) => (
                <li key={one.command}>
                  <ShownCommand command={one.example.slice(0, 200)} />
                  <p class="muted">
                    {plural(one.count, 'time')} by {one.agents.join(', ')}, last{' '}
                    {moment(one.last_execution)}
                  </p>
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
      <p class="muted">
        You are the operator <strong>{me.value?.operator}</strong>; all your decisions are recorded
        under this name.
      </p>
    </section>
  )
}

function Hub({ status, isAway }: { readonly status: HubStatus; readonly isAway: boolean }) {
  void second.value
  const up = Math.max(0, (Date.now() - Date.parse(status.started_at)) / 1000)
  const facts: readonly (readonly [string, string])[] = [
    ['running', `${status.running} of ${status.slots}`],
    ['in the queue', String(status.queued)],
    ['waiting for approval', String(status.pending)],
    ['results not confirmed', String(status.unpublished)],
    ['up for', duration(up)],
    ['version', status.version],
    ['process', `${status.pid} on ${status.host}`],
    ['rules', status.policy.slice(0, 12)],
    ['self-approval', status.self_approval ? 'allowed' : 'not allowed'],
  ]
  return (
    <li>
      <h3>
        <span class={isAway ? 'dot away' : 'dot up'} /> {status.hub_id}{' '}
        <span class="muted">
          {isAway
            ? 'does not answer'
            : status.accepting
              ? 'takes requests'
              : 'accepts no requests now'}
        </span>
      </h3>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </li>
  )
}

function Verify() {
  const [report, setReport] = useState<VerifyReply | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const verify = async (): Promise<void> => {
    setBusy(true)
    try {
      setReport(await call<VerifyReply>('verify'))
      setProblem(null)
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : String(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <div class="verify">
      <button
        type="button"
        disabled={isBusy || trouble.value !== null}
        onClick={() => void verify()}
      >
        {isBusy ? 'Recomputing…' : 'Recompute the chain'}
      </button>
      <div aria-live="polite">
        {problem !== null && (
          <p class="bad">
            <Shown text={problem} />
          </p>
        )}
        {report?.intact === true && (
          <p>
            Intact: {plural(report.events, 'event')}, head{' '}
            <code>{report.head?.slice(0, 16) ?? '–'}</code>. Keep the head elsewhere to detect a
            rewritten chain.
          </p>
        )}
        {report?.intact === false && (
          <p class="bad">
            <strong>Not intact</strong> from event {report.first_bad}:{' '}
            <Shown text={report.problem ?? ''} />
          </p>
        )}
      </div>
    </div>
  )
}

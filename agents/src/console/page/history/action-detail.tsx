import type { ActionDetail, AuditEvent } from '@centralpost/shared'
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { auditFacts } from '../../../operator/audit-facts.ts'
import { commentsIn } from '../../../operator/decision-comments.ts'
import type { OutputPiece } from '../../wire/feed-message.ts'
import { ApiError, call, download } from '../api.ts'
import { go } from '../route.ts'
import { ended } from '../store.ts'
import { draft } from '../terminal/command-line.tsx'
import { readWholeOutput } from '../terminal/whole-output.ts'
import { duration, moment, size } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { LevelBadge, StatusBadge } from '../ui/badges.tsx'
import { sayProblem } from '../ui/toasts.tsx'

const shownCharacters = 60_000

/** One action with its audit trail. */
export function ActionDetailPane({
  agentId,
  actionId,
}: {
  readonly agentId: string
  readonly actionId: string
}) {
  const [detail, setDetail] = useState<ActionDetail | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  // fetched again when it ends
  const isEnded = ended.value.some((one) => one.action_id === actionId && one.agent_id === agentId)
  useEffect(() => {
    const stop = new AbortController()
    call<ActionDetail>('action', { action_id: actionId, agent_id: agentId }, stop.signal)
      .then((found) => {
        setDetail(found)
        setProblem(null)
      })
      .catch((error: unknown) => {
        if (stop.signal.aborted) return
        setProblem(error instanceof ApiError ? error.message : String(error))
      })
    return () => stop.abort()
  }, [agentId, actionId, isEnded])
  if (problem !== null) {
    return (
      <p class="notice bad" role="alert">
        <Shown text={problem} />
      </p>
    )
  }
  if (detail === null) return <p class="muted">Looking…</p>
  return <Detail detail={detail} />
}

function Detail({ detail }: { readonly detail: ActionDetail }) {
  const { execution, events } = detail
  const env = Object.entries(execution.env)
  const comments = commentsIn(events)
  const key = { agent_id: execution.agent_id, action_id: execution.action_id }
  const again = (): void => {
    draft.value = {
      command: execution.command,
      cwd: execution.cwd ?? '',
      ...(env.length > 0 && !execution.masked && { env: execution.env }),
    }
    go('terminal')
    setTimeout(() => document.getElementById('command-line')?.focus(), 50)
  }
  const isSelf =
    execution.approved_by !== null && execution.agent_id === `operator-${execution.approved_by}`
  return (
    <article class="detail" aria-label={`Action ${execution.action_id}`}>
      <p class="from">
        <StatusBadge status={execution.status} /> <LevelBadge level={execution.trust_level} />{' '}
        <strong>{execution.agent_id}</strong>{' '}
        <span class="muted">{moment(execution.requested_at)}</span>
      </p>
      <pre class="command-block" tabIndex={0} aria-label="The command">
        <ShownCommand command={execution.command} />
      </pre>
      {execution.reason !== null && (
        <p class="reason">
          <Shown text={execution.reason} lines />
        </p>
      )}
      {execution.context !== null && (
        <blockquote>
          <Shown text={execution.context} lines />
        </blockquote>
      )}
      <div class="buttons">
        <button type="button" onClick={again}>
          Run again, as a new request…
        </button>
        {execution.status === 'running' && (
          <button type="button" onClick={() => go('terminal', key)}>
            Watch it
          </button>
        )}
      </div>
      <dl class="facts">
        <Fact name="cleared by">
          {execution.approved_by === null
            ? null
            : isSelf
              ? `${execution.approved_by} (self-approved)`
              : execution.approved_by}
        </Fact>
        <Fact name="decided by">
          {execution.decided_by === execution.approved_by ? null : execution.decided_by}
        </Fact>
        <Fact name="comment">
          {comments.length === 0 ? null : (
            <ul class="plain">
              {comments.map(({ by, text }) => (
                <li>
                  {by}: <Shown text={text} lines />
                </li>
              ))}
            </ul>
          )}
        </Fact>
        <Fact name="exit code">
          {execution.exit_code === null ? null : String(execution.exit_code)}
        </Fact>
        <Fact name="failure">{execution.error_category}</Fact>
        <Fact name="took">{execution.duration === null ? null : duration(execution.duration)}</Fact>
        <Fact name="in">
          {execution.cwd === null ? null : (
            <code>
              <Shown text={execution.cwd} />
            </code>
          )}
        </Fact>
        <Fact name="environment">
          {env.length === 0 ? null : (
            <code>
              <Shown text={env.map(([name, value]) => `${name}=${value}`).join(' ')} />
            </code>
          )}
        </Fact>
        <Fact name="virtual env">{execution.venv_active === true ? 'active' : null}</Fact>
        <Fact name="workflow">
          {execution.workflow_id === null ? null : <Shown text={execution.workflow_id} />}
        </Fact>
        <Fact name="secrets">{execution.masked ? 'a probable secret was removed' : null}</Fact>
        <Fact name="hub">{execution.hub_id}</Fact>
        <Fact name="action">
          <code>{execution.action_id}</code>
        </Fact>
      </dl>
      <Output actionKey={key} outputSize={execution.output_size} />
      <h2>Audit trail</h2>
      <ol class="events">
        {events.map((event) => (
          <Event key={event.seq} event={event} />
        ))}
      </ol>
      {detail.events_cut && <p class="muted">Only the first events are shown.</p>}
    </article>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  if (children === null || children === undefined) return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Event({ event }: { readonly event: AuditEvent }) {
  return (
    <li class={`event ${event.kind}`}>
      <span class="event-kind">{event.kind.replace('_', ' ')}</span>
      <span class="muted">{moment(event.at)}</span>
      <span class="event-facts">
        {auditFacts(event, moment).map(([name, text]) => (
          <span key={name}>
            <span class="muted">{name}</span> <Shown text={text.slice(0, 400)} />
          </span>
        ))}
      </span>
      <code class="hash" title={`event ${event.seq}, hash ${event.hash}`}>
        {event.hash.slice(0, 8)}
      </code>
    </li>
  )
}

function Output({
  actionKey,
  outputSize,
}: {
  readonly actionKey: { readonly agent_id: string; readonly action_id: string }
  readonly outputSize: number | null
}) {
  const [pieces, setPieces] = useState<readonly OutputPiece[] | null>(null)
  const { agent_id, action_id } = actionKey
  useEffect(() => {
    let isOver = false
    void readWholeOutput({ agent_id, action_id }).then((whole) => {
      if (!isOver) setPieces(whole.pieces.filter(({ data }) => data !== ''))
    })
    return () => {
      isOver = true
    }
  }, [agent_id, action_id])
  const save = (stream: string): void => {
    download({ kind: 'output', agent_id, action_id, stream }).catch((error: unknown) =>
      sayProblem('No download', error),
    )
  }
  if (pieces === null || pieces.length === 0) return null
  return (
    <>
      <h2>Output {outputSize !== null && <span class="muted">{size(outputSize)}</span>}</h2>
      <pre class="plain-output" tabIndex={0} aria-label="Output">
        {pieces.map(({ stream, data }) => (
          <span class={stream}>
            <Shown text={data.slice(-shownCharacters)} lines />
          </span>
        ))}
      </pre>
      <div class="buttons">
        {[...new Set(pieces.map(({ stream }) => stream))].map((stream) => (
          <button type="button" onClick={() => save(stream)}>
            Download {stream}
          </button>
        ))}
      </div>
    </>
  )
}

import { useEffect, useRef, useState } from 'preact/hooks'
import { keyOf, type EndedAction, type RunningAction } from '../../wire/feed-message.ts'
import { call, download } from '../api.ts'
import { second, hubTime } from '../clock.ts'
import { address, go, route } from '../route.ts'
import { bytes, ended, runningList, trouble } from '../store.ts'
import { duration, moment, size } from '../text/format.ts'
import { ShownCommand, Shown } from '../text/shown.tsx'
import { LevelBadge, StatusBadge } from '../ui/badges.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { useKeys } from '../ui/keys.ts'
import { sayProblem, toast } from '../ui/toasts.tsx'
import { CommandLine } from './command-line.tsx'
import { OutputPane } from './output-pane.tsx'

const recentShown = 30

export function TerminalView() {
  const running = runningList.value
  const recent = ended.value.filter(({ duration: took }) => took !== null).slice(0, recentShown)
  const { agentId, actionId } = route.value
  const key = agentId === null ? null : `${agentId}.${actionId}`
  const shown =
    running.find((action) => keyOf(action) === key) ??
    recent.find((action) => keyOf(action) === key) ??
    (key === null ? (running[0] ?? recent[0]) : undefined)
  const all = [...running, ...recent]
  const move = (by: number): void => {
    const at = all.findIndex((action) => shown !== undefined && keyOf(action) === keyOf(shown))
    const next = all[Math.min(all.length - 1, Math.max(0, at + by))]
    if (next) go('terminal', next)
  }
  useKeys({ j: () => move(1), k: () => move(-1) })
  return (
    <section class="terminal" aria-labelledby="terminal-title">
      <h1 id="terminal-title">
        Running now <span class="big-count">{running.length}</span>
      </h1>
      <div class="panes">
        <nav class="actions" aria-label="Actions">
          <ActionList title="Running" actions={running} shown={shown} />
          <ActionList title="Ended" actions={recent} shown={shown} />
          {all.length === 0 && <p class="muted">Nothing has run since this console started.</p>}
        </nav>
        {shown === undefined ? (
          <div class="output-pane empty">
            <p class="lead">{key === null ? 'Nothing runs.' : 'This action has no output here.'}</p>
            <p class="muted">
              {key === null
                ? "Output of agents' commands appears here live."
                : 'The action ended before this console started; its output is in the history.'}
            </p>
          </div>
        ) : (
          <Shell key={keyOf(shown)} action={shown} />
        )}
      </div>
      <CommandLine />
    </section>
  )
}

function ActionList({
  title,
  actions,
  shown,
}: {
  readonly title: string
  readonly actions: readonly (RunningAction | EndedAction)[]
  readonly shown: RunningAction | EndedAction | undefined
}) {
  if (actions.length === 0) return null
  return (
    <>
      <h2>{title}</h2>
      <ul class="plain">
        {actions.map((action) => (
          <li key={keyOf(action)}>
            <a
              href={address('terminal', action)}
              aria-current={
                shown !== undefined && keyOf(shown) === keyOf(action) ? 'true' : undefined
              }
            >
              <ShownCommand command={action.command.slice(0, 120)} />
              <span class="muted">
                {action.agent_id}
                {'status' in action ? (
                  <StatusBadge status={action.status} />
                ) : (
                  <Running action={action} />
                )}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  )
}

function Running({ action }: { readonly action: RunningAction }) {
  void second.value
  const seconds = Math.max(0, (hubTime() - Date.parse(action.started_at)) / 1000)
  const printed = bytes.value.get(keyOf(action)) ?? action.bytes
  return (
    <span class="live">
      {duration(Math.floor(seconds))} · {size(printed.stdout + printed.stderr + printed.skipped)}
    </span>
  )
}

function Shell({ action }: { readonly action: RunningAction | EndedAction }) {
  const isRunning = !('status' in action)
  const [asksCancel, setAsksCancel] = useState(false)
  const head = useRef<HTMLDivElement>(null)
  useEffect(() => {
    head.current?.scrollIntoView({ block: 'nearest' })
  }, [])
  const save = (stream: 'stdout' | 'stderr'): void => {
    const { agent_id, action_id } = action
    download({ kind: 'output', agent_id, action_id, stream }).catch((error: unknown) =>
      sayProblem('No download', error),
    )
  }
  return (
    <div class="shell">
      <div class="shell-head" ref={head}>
        <ShownCommand command={action.command} />
        <p class="muted">
          <LevelBadge level={action.trust_level} /> {action.agent_id} in{' '}
          <code>
            <Shown text={action.cwd ?? '–'} />
          </code>
          {action.approved_by !== null && ` · cleared by ${clearedBy(action.approved_by)}`}
          {isRunning ? (
            <>
              {' · '}
              <Running action={action} />
            </>
          ) : (
            <>
              {' · '}
              <StatusBadge status={action.status} />{' '}
              {action.exit_code !== null && `exit code ${action.exit_code} · `}
              {duration(action.duration)} · {moment(action.finished_at)}
              {action.sandbox != null && ` · sandbox ${action.sandbox.profile}`}
            </>
          )}
        </p>
        <div class="buttons">
          {isRunning ? (
            <button
              type="button"
              class="deny"
              disabled={trouble.value !== null}
              onClick={() => setAsksCancel(true)}
            >
              Cancel it…
            </button>
          ) : (
            <>
              {action.stdout_bytes > 0 && (
                <button type="button" onClick={() => save('stdout')}>
                  Download stdout ({size(action.stdout_bytes)})
                </button>
              )}
              {action.stderr_bytes > 0 && (
                <button type="button" onClick={() => save('stderr')}>
                  Download stderr ({size(action.stderr_bytes)})
                </button>
              )}
              <a class="button" href={address('history', action)}>
                In the history
              </a>
            </>
          )}
        </div>
      </div>
      <OutputPane action={action} isRunning={isRunning} />
      {asksCancel && <CancelDialog action={action} close={() => setAsksCancel(false)} />}
    </div>
  )
}

const clearedBy = (by: string): string => (by === 'auto' ? 'the rules' : by)

function CancelDialog({
  action,
  close,
}: {
  readonly action: RunningAction | EndedAction
  readonly close: () => void
}) {
  const [reason, setReason] = useState('')
  const send = (event: Event): void => {
    event.preventDefault()
    const { agent_id, action_id } = action
    call('cancel', { agent_id, action_id, ...(reason.trim() !== '' && { reason: reason.trim() }) })
      .then(() => toast('note', 'The command and all its child processes are being stopped.'))
      .catch((error: unknown) => sayProblem('Not cancelled', error))
    close()
  }
  return (
    <Dialog title="Cancel the command" close={close}>
      <form onSubmit={send}>
        <p class="named">
          <ShownCommand command={action.command} />
        </p>
        <label class="field">
          Reason, for the agent <span class="muted">(optional)</span>
          <input
            autofocus
            maxLength={1024}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        <p class="muted">Ends the whole process tree. Changes it has already made remain.</p>
        <div class="buttons">
          <button type="submit" class="primary deny">
            End it
          </button>
          <button type="button" onClick={close}>
            Let it run
          </button>
        </div>
      </form>
    </Dialog>
  )
}

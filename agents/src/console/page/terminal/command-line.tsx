import type { ApprovalNeeded, Verdict } from '@centralpost/shared'
import { signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { call } from '../api.ts'
import { approve } from '../approvals/decide.ts'
import { go } from '../route.ts'
import { maySelfApprove, me, pending, trouble } from '../store.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { LevelBadge, RiskBadge } from '../ui/badges.tsx'
import { sayProblem } from '../ui/toasts.tsx'

const restMs = 200

export interface Draft {
  readonly command: string
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** The content of the command line; "run again" fills in an earlier command. */
export const draft = signal<Draft>({ command: '', cwd: '' })

interface Judged {
  readonly of: string
  readonly verdict: Verdict | null
  readonly problem: string | null
}

/**
 * A command typed by the operator. Like any agent's request, it is judged by the hub; an earlier
 * judgement shows the verdict before sending.
 */
export function CommandLine() {
  const [judged, setJudged] = useState<Judged | null>(null)
  const [sent, setSent] = useState<string | null>(null)
  const { command, cwd } = draft.value
  const text = JSON.stringify([command, cwd])
  useEffect(() => {
    if (command.trim() === '') {
      setJudged(null)
      return
    }
    const stop = new AbortController()
    const timer = setTimeout(() => {
      call<Verdict>('classify', { command, ...(cwd !== '' && { cwd }) }, stop.signal)
        .then((verdict) => setJudged({ of: text, verdict, problem: null }))
        .catch((error: unknown) => {
          if (!stop.signal.aborted)
            setJudged({ of: text, verdict: null, problem: (error as Error).message })
        })
    }, restMs)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [command, cwd, text])
  const isJudged = judged?.of === text
  const verdict = isJudged ? judged.verdict : null
  const canSend = verdict !== null && verdict.level !== 'BLOCKED' && trouble.value === null
  const send = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!canSend) return
    try {
      const { env } = draft.value
      const asked = await call<{ agent_id: string; action_id: string }>('request', {
        command,
        context: 'typed by an operator in the console',
        ...(cwd !== '' && { cwd }),
        ...(env !== undefined && { env }),
      })
      draft.value = { command: '', cwd }
      setSent(`${asked.agent_id}.${asked.action_id}`)
      if (verdict.level === 'SAFE') go('terminal', asked)
    } catch (error) {
      sayProblem('Not sent', error)
    }
  }
  const waiting = sent === null ? undefined : pending.value.get(sent)
  if (me.value !== null && me.value.agent === null) {
    return (
      <p class="muted no-command-line">
        To type commands here, give the agent operator-{me.value.operator} credentials (
        <code>centralpost credentials add agent operator-{me.value.operator}</code>) and start the
        console again.
      </p>
    )
  }
  return (
    <form class="command-line" onSubmit={(event) => void send(event)} aria-label="Type a command">
      {waiting !== undefined && <Confirm asked={waiting} done={() => setSent(null)} />}
      <div class="verdict-line" aria-live="polite">
        {command.trim() === '' ? (
          <span class="muted">
            Takes the path of any agent’s command, as <strong>{me.value?.agent ?? '…'}</strong>. The
            verdict is shown before you send it.
          </span>
        ) : !isJudged ? (
          <span class="muted">Judging…</span>
        ) : judged.verdict === null ? (
          <span class="bad">
            <Shown text={judged.problem ?? ''} />
          </span>
        ) : (
          <VerdictLine verdict={judged.verdict} />
        )}
      </div>
      <div class="line">
        <span class="prompt" aria-hidden="true">
          $
        </span>
        <input
          id="command-line"
          class="mono"
          aria-label="Command"
          placeholder="a command"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={command}
          onInput={(event) => {
            draft.value = { ...draft.value, command: event.currentTarget.value }
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
        <input
          class="mono cwd"
          aria-label="Directory"
          placeholder="directory (as seen by the hub)"
          autocomplete="off"
          spellcheck={false}
          value={cwd}
          onInput={(event) => {
            draft.value = { ...draft.value, cwd: event.currentTarget.value }
          }}
        />
        <button type="submit" class="primary" disabled={!canSend}>
          {verdict?.level === 'REVIEW' ? 'Request it' : 'Run'}
        </button>
      </div>
    </form>
  )
}

function VerdictLine({ verdict }: { readonly verdict: Verdict }) {
  const [reason] = verdict.reasons
  const then = {
    SAFE: 'runs at once',
    REVIEW: maySelfApprove.value
      ? 'you confirm it once more, recorded as self-approved'
      : 'another operator must approve it',
    BLOCKED: 'refused for everyone',
  }[verdict.level]
  return (
    <>
      <LevelBadge level={verdict.level} /> <RiskBadge level={verdict.risk.level} />{' '}
      <span>
        {then}
        {reason !== undefined && (
          <span class="muted">
            {' '}
            — <Shown text={reason} />
          </span>
        )}
      </span>
    </>
  )
}

/** The second confirmation of one's own REVIEW command. */
function Confirm({ asked, done }: { readonly asked: ApprovalNeeded; readonly done: () => void }) {
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => button.current?.focus(), [])
  const may = maySelfApprove.value
  return (
    <div class="confirm-own" role="group" aria-label="Confirm your command">
      <ShownCommand command={asked.command} units={asked.verdict.units} />
      <p>
        {may
          ? 'The command needs approval, and you requested it yourself: run it? It is recorded as ' +
            'self-approved and cannot be undone.'
          : 'The command needs approval and waits for another operator.'}
      </p>
      <div class="buttons">
        {may && (
          <button
            ref={button}
            type="button"
            class="primary"
            onClick={() => {
              void approve([asked])
              go('terminal', asked)
              done()
            }}
          >
            Run it: self-approved
          </button>
        )}
        <button
          type="button"
          onClick={() => {
            void call('cancel', {
              agent_id: asked.agent_id,
              action_id: asked.action_id,
              reason: 'withdrawn by its requester',
            }).catch((error: unknown) => sayProblem('Not withdrawn', error))
            done()
          }}
        >
          Withdraw
        </button>
      </div>
    </div>
  )
}

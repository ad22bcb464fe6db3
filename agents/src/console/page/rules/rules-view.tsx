import type { AlwaysRule, Verdict } from '@centralpost/shared'
import { useEffect, useState } from 'preact/hooks'
import { ApiError, call } from '../api.ts'
import { secondsUntil } from '../clock.ts'
import { ruleChanges, trouble } from '../store.ts'
import { duration, moment, plural } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { Asked } from '../ui/asked.tsx'
import { LevelBadge, RiskBadge } from '../ui/badges.tsx'
import { DialogButtons } from '../ui/dialog-buttons.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { JudgedParts } from '../ui/judged-parts.tsx'
import { toast, sayProblem } from '../ui/toasts.tsx'

export function RulesView() {
  const [all, setAll] = useState(false)
  const [again, setAgain] = useState(0)
  const [asksAbout, setAsksAbout] = useState<AlwaysRule | null>(null)
  return (
    <section class="rules" aria-labelledby="rules-title">
      <h1 id="rules-title">Rules</h1>
      <TestCommand />
      <div class="row">
        <h2>Always rules</h2>
        <label class="choices">
          <input
            type="checkbox"
            checked={all}
            onChange={(event) => setAll(event.currentTarget.checked)}
          />
          include expired and revoked rules
        </label>
      </div>
      <Asked<{ readonly rules: readonly AlwaysRule[] }>
        endpoint="rules"
        body={{ all }}
        again={again + ruleChanges.value}
      >
        {({ rules }) =>
          rules.length === 0 ? (
            <p class="notice">
              No rule is in force. “Always…” at a request makes one, and so does accepting a
              proposal under Insights. A rule holds for hours or days, and can be revoked here.
            </p>
          ) : (
            <ul class="slips">
              {rules.map((rule) => (
                <Rule key={rule.rule_id} rule={rule} revoke={() => setAsksAbout(rule)} />
              ))}
            </ul>
          )
        }
      </Asked>
      {asksAbout !== null && (
        <Dialog title="Revoke this rule?" close={() => setAsksAbout(null)}>
          <p class="named">
            <Shown text={asksAbout.description} />
          </p>
          <p class="muted">
            Commands that it allowed need approval again from now on. Running commands continue.
          </p>
          <DialogButtons
            yes="Revoke"
            kind="deny"
            send={() => {
              call('rules', { revoke: asksAbout.rule_id })
                .then(() => {
                  toast('good', `Revoked ${asksAbout.rule_id}.`)
                  setAgain((count) => count + 1)
                })
                .catch((error: unknown) => sayProblem('Not revoked', error))
              setAsksAbout(null)
            }}
            no="Keep it"
            close={() => setAsksAbout(null)}
            cautious
          />
        </Dialog>
      )}
    </section>
  )
}

function Rule({ rule, revoke }: { readonly rule: AlwaysRule; readonly revoke: () => void }) {
  const left = secondsUntil(rule.expires_at)
  const isOver = rule.revoked_at !== null || left <= 0
  return (
    <li class={isOver ? 'over' : undefined}>
      <p class="rule-text">
        <Shown text={rule.description} />
      </p>
      <p class="muted">
        made by {rule.created_by} {moment(rule.created_at)} · used {plural(rule.uses, 'time')}
        {rule.last_used_at !== null && `, last ${moment(rule.last_used_at)}`} ·{' '}
        {rule.revoked_at !== null
          ? `revoked by ${rule.revoked_by} ${moment(rule.revoked_at)}`
          : left <= 0
            ? `ended ${moment(rule.expires_at)}`
            : `${duration(left)} left`}{' '}
        · <code>{rule.rule_id}</code>
      </p>
      {!isOver && (
        <button type="button" class="deny" disabled={trouble.value !== null} onClick={revoke}>
          Revoke…
        </button>
      )}
    </li>
  )
}

/** Shows how a command would be judged, without requesting it. */
function TestCommand() {
  const [command, setCommand] = useState('')
  const [verdict, setVerdict] = useState<Verdict | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    if (command.trim() === '') {
      setVerdict(null)
      setProblem(null)
      return
    }
    const stop = new AbortController()
    const timer = setTimeout(() => {
      call<Verdict>('classify', { command }, stop.signal)
        .then((answer) => {
          setVerdict(answer)
          setProblem(null)
        })
        .catch((error: unknown) => {
          if (stop.signal.aborted) return
          setVerdict(null)
          setProblem(error instanceof ApiError ? error.message : String(error))
        })
    }, 150)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [command])
  return (
    <div class="test-command">
      <label class="field">
        How would a command be judged?
        <input
          class="mono"
          value={command}
          placeholder="git status && rm -rf ~"
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setCommand(event.currentTarget.value)}
        />
      </label>
      <div aria-live="polite">
        {problem !== null && (
          <p class="bad">
            <Shown text={problem} />
          </p>
        )}
        {verdict !== null && (
          <div class="judged">
            <p>
              <LevelBadge level={verdict.level} /> <RiskBadge level={verdict.risk.level} />{' '}
              <span class="muted">{verdict.risk.score} points</span>
            </p>
            <p class="command-block">
              <ShownCommand command={command} units={verdict.units} />
            </p>
            <JudgedParts units={verdict.units} />
            {verdict.suggestion !== undefined && (
              <p>
                Instead: <Shown text={verdict.suggestion} />
              </p>
            )}
          </div>
        )}
      </div>
    </div>
  )
}

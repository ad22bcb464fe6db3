import type { Proposal } from '@centralpost/shared'
import { useState } from 'preact/hooks'
import { ruleChanges, trouble } from '../store.ts'
import { duration, plural } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { Asked } from '../ui/asked.tsx'
import { AcceptDialog } from './accept-dialog.tsx'

/** Always rules proposed from repeated approvals. Only an operator can make one. */
export function ProposalsView() {
  const [again, setAgain] = useState(0)
  const [asksAbout, setAsksAbout] = useState<Proposal | null>(null)
  return (
    <>
      <Asked<{ readonly proposals: readonly Proposal[] }>
        endpoint="proposals"
        again={again + ruleChanges.value}
      >
        {({ proposals }) =>
          proposals.length === 0 ? (
            <p class="notice">
              No rule is proposed. A command that operators have approved several times and never
              denied appears here with a rule for it.
            </p>
          ) : (
            <>
              <p class="muted">
                Operators have approved these repeatedly and never denied them. You decide whether
                to make the rule; commands that have a rule already are not listed.
              </p>
              <ul class="slips">
                {proposals.map((one) => (
                  <li key={`${one.agent_id} ${one.workflow_id ?? ''} ${one.command}`}>
                    <ShownCommand command={one.example.slice(0, 300)} />
                    <p>
                      {one.rule === null ? 'no rule can be made for it' : <Shown text={one.rule} />}
                    </p>
                    <p class="muted">
                      <Shown text={one.agent_id} />
                      {one.workflow_id !== null && (
                        <>
                          {' '}
                          in workflow <Shown text={one.workflow_id} />
                        </>
                      )}
                      : approved {plural(one.approvals, 'time')} by {one.approved_by.join(', ')},
                      after {duration(one.avg_wait)} on average; {one.successful} succeeded,{' '}
                      {one.failed} failed.
                    </p>
                    <button
                      type="button"
                      disabled={trouble.value !== null}
                      onClick={() => setAsksAbout(one)}
                    >
                      Make this rule…
                    </button>
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </Asked>
      {asksAbout !== null && (
        <AcceptDialog
          proposal={asksAbout}
          close={() => setAsksAbout(null)}
          done={() => setAgain((count) => count + 1)}
        />
      )}
    </>
  )
}

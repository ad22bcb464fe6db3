import type { Proposal } from '@centralpost/shared'
import { duration, plural } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { Asked } from '../ui/asked.tsx'

/** Always rules that repeated approvals speak for. Nothing is approved here. */
export function Proposals() {
  return (
    <Asked<{ readonly proposals: readonly Proposal[] }> endpoint="proposals">
      {({ proposals }) =>
        proposals.length === 0 ? (
          <p class="notice">
            No rule is proposed. When persons have approved the same command several times and never
            denied it, a rule for it is shown here.
          </p>
        ) : (
          <>
            <p class="muted">
              Nothing is approved by this list. The next time one of these waits, answer it with
              “Always…”, and the rule that you see there is made.
            </p>
            <ul class="slips">
              {proposals.map((one) => (
                <li key={`${one.agent_id} ${one.workflow_id ?? ''} ${one.command}`}>
                  <ShownCommand command={one.example.slice(0, 300)} />
                  <p>
                    {one.rule === null ? 'no rule can be made of it' : <Shown text={one.rule} />}
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
                </li>
              ))}
            </ul>
          </>
        )
      }
    </Asked>
  )
}

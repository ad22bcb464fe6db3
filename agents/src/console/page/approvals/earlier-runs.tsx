import { useEffect, useState } from 'preact/hooks'
import type { CommandStatistics } from '@centralpost/shared'
import { call } from '../api.ts'
import { address } from '../route.ts'
import { duration, moment, percent, plural } from '../text/format.ts'
import { ShownCommand } from '../text/shown.tsx'
import { StatusBadge } from '../ui/badges.tsx'

/** Past runs of this command and of similar ones. */
export function EarlierRuns({ command }: { readonly command: string }) {
  const [stats, setStats] = useState<CommandStatistics | null | undefined>(undefined)
  useEffect(() => {
    const stop = new AbortController()
    call<CommandStatistics>('stats', { command }, stop.signal)
      .then(setStats)
      .catch(() => {
        if (!stop.signal.aborted) setStats(null)
      })
    return () => stop.abort()
  }, [command])
  return (
    <section class="earlier" aria-busy={stats === undefined}>
      <h2>Earlier</h2>
      {stats === undefined ? (
        <p class="muted">Looking…</p>
      ) : stats === null ? (
        <p class="muted">The hub did not answer.</p>
      ) : (
        <Runs stats={stats} />
      )}
    </section>
  )
}

function Runs({ stats }: { readonly stats: CommandStatistics }) {
  const { similar } = stats
  const recent = similar?.recent.filter(({ status }) => status !== 'pending').slice(0, 4) ?? []
  const ran = stats.successful + stats.failed
  const denied = stats.by_status['denied'] ?? 0
  if (ran + denied === 0 && (similar === null || recent.length === 0)) {
    return <p>Never seen before: neither this command nor a similar one.</p>
  }
  return (
    <>
      <p>
        {ran === 0 ? (
          'This exact command has never run.'
        ) : (
          <>
            This exact command ran {plural(ran, 'time')},{' '}
            <strong>{percent(stats.success_rate)}</strong> with success,{' '}
            {duration(stats.avg_duration)} on average.
          </>
        )}
        {denied > 0 && ` It was denied ${plural(denied, 'time')}.`}
        {similar !== null &&
          similar.total_executions > stats.total_executions &&
          `Similar commands were requested ${plural(similar.total_executions, 'time')}, ` +
            `${percent(similar.success_rate)} with success.`}
      </p>
      {recent.length > 0 && (
        <ul class="plain runs">
          {recent.map((run) => (
            <li key={run.execution_id}>
              <a href={address('history', run)}>
                <StatusBadge status={run.status} />
                <ShownCommand command={run.command.slice(0, 200)} />
                <span class="muted">
                  {run.agent_id} · {moment(run.requested_at)}
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ApiError, call } from '../api.ts'
import { hub, trouble } from '../store.ts'
import { Shown } from '../text/shown.tsx'

/** Queries the hub and shows the answer, the progress or the failure. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- who asks knows what is answered
export function Asked<T>({
  endpoint,
  body = {},
  again = 0,
  children,
}: {
  readonly endpoint: string
  readonly body?: object
  /** another number repeats the query */
  readonly again?: number
  readonly children: (answer: T) => ComponentChildren
}) {
  const [answer, setAnswer] = useState<T | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const asked = JSON.stringify(body)
  // repeats the query when the hub is back
  const state = hub.value?.state
  useEffect(() => {
    const stop = new AbortController()
    call<T>(endpoint, JSON.parse(asked) as object, stop.signal)
      .then((given) => {
        setAnswer(given)
        setProblem(null)
      })
      .catch((error: unknown) => {
        if (stop.signal.aborted) return
        setProblem(error instanceof ApiError ? error.message : String(error))
      })
    return () => stop.abort()
  }, [endpoint, asked, again, state])
  if (problem !== null) {
    return (
      <p class="notice bad" role="alert">
        The hub did not answer: <Shown text={problem} />
      </p>
    )
  }
  if (answer === null) {
    return (
      <p class="muted">
        {trouble.value === null ? 'Looking…' : 'This is shown when the hub is back.'}
      </p>
    )
  }
  return <>{children(answer)}</>
}

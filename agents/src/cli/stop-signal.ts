/**
 * Runs until done or until it is to stop: Ctrl-C, a termination signal, or, for a child, the end of its parent. `work`
 * is told by the signal.
 *
 * @returns what `work` returned
 */
export async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const onSignal = (): void => stop.abort(new Error('stopped'))
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  process.once('disconnect', onSignal)
  try {
    return await work(stop.signal)
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    process.off('disconnect', onSignal)
  }
}

/** Resolves when the signal is aborted. */
export function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs until done or until it is to stop: Ctrl-C, a termination signal, the end of its terminal, or, for a child, the end of its parent. `work`
 * is told by the signal.
 *
 * @returns what `work` returned
 */
export async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const onSignal = (): void => stop.abort(new Error('stopped'))
  for (const signal of signals) process.once(signal, onSignal)
  process.once('disconnect', onSignal)
  try {
    return await work(stop.signal)
  } finally {
    for (const signal of signals) process.off(signal, onSignal)
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

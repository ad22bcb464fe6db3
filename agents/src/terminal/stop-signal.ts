const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs `work` until it ends or is stopped: Ctrl-C, a termination signal, a closed terminal, or, for
 * a child, the end of its parent. The signal passed to `work` is aborted then.
 *
 * @returns the result of `work`
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

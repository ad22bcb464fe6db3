const togetherMs = 500

/**
 * Waits for a request to stop: SIGINT, SIGTERM, or, for a child, the end of its parent.
 *
 * @param again called for a second signal, which should cut the wait short
 */
export async function untilAskedToStop(again: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let askedAt: number | undefined
  const ask = (): void => {
    askedAt ??= performance.now()
    // a signal to a whole process group arrives twice: from the sender, and forwarded by the parent
    if (performance.now() - askedAt > togetherMs) again()
    resolve()
  }
  process.on('SIGINT', ask)
  process.on('SIGTERM', ask)
  process.on('disconnect', resolve)
  await promise
}

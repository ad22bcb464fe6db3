const togetherMs = 500

/**
 * Waits until the process is asked to stop: SIGINT, SIGTERM, or, for a child, the end of its parent.
 *
 * @param again called when a signal asks a second time: then it should not wait any longer
 */
export async function untilStopped(again: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let askedAt: number | undefined
  const ask = (): void => {
    askedAt ??= performance.now()
    // one signal to a whole process group comes twice: from the sender, and passed on by a parent
    if (performance.now() - askedAt > togetherMs) again()
    resolve()
  }
  process.on('SIGINT', ask)
  process.on('SIGTERM', ask)
  process.on('disconnect', resolve)
  await promise
}

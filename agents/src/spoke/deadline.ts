import { setTimeout as delay } from 'node:timers/promises'
import type { CentralPostError } from '@centralpost/shared'

/** The caller's limits on a wait. */
export interface WaitOptions {
  /** in milliseconds @default no limit */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Waits for `work` within the caller's limits. The work itself continues.
 *
 * @param late makes the timeout's error
 * @throws {CentralPostError} `late()`, or the signal's reason
 */
export async function waitFor<T>(
  work: Promise<T>,
  options: WaitOptions,
  late: () => CentralPostError,
): Promise<T> {
  const { timeoutMs, signal } = options
  signal?.throwIfAborted()
  const { promise: given, reject } = Promise.withResolvers<never>()
  const giveUp = (): void => reject(signal?.reason)
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => reject(late()), Math.max(0, timeoutMs))
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([work, given])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', giveUp)
  }
}

/** Waits; rejects early with the signal's reason. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, signal && { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

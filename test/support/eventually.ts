import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks again and again until the answer is neither false nor undefined, and gives it back.
 *
 * @param look what is waited for; a throw counts as not yet
 * @param withinMs when to give up, in milliseconds
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  withinMs = 30_000,
): Promise<Exclude<T, false | undefined>> {
  const deadline = Date.now() + withinMs
  let last: unknown
  while (Date.now() < deadline) {
    try {
      const found = await look()
      if (found !== false && found !== undefined) return found as Exclude<T, false | undefined>
      last = found
    } catch (error) {
      last = error
    }
    await delay(10)
  }
  throw new Error(`not so within ${withinMs} ms: ${look.toString()}`, { cause: last })
}

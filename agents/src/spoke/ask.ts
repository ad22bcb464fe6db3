import { type Bus, type CentralPostError, isCentralPostError } from '@centralpost/shared'
import type { z } from 'zod'
import { pause } from './deadline.ts'

/** How long an answer may take, in milliseconds. */
const answerMs = 5_000
/** How long a broker that went away may take to come back, and its hub with it, in milliseconds. */
const backMs = 15_000
/** How long a hub may take to be there after its broker, in milliseconds. */
const hubMs = 1_000
const pauseMs = 100

/**
 * Asks the hub. A call that was under way when the connection to the broker was lost is made again when it is back: every
 * endpoint may be called twice, and tells when it was.
 *
 * @param options.timeoutMs how long the answer may take @default 5000
 * @throws {CentralPostError} what the hub answered, or `unavailable` when none did
 */
export async function askHub<T extends z.ZodType>(
  bus: Bus,
  subject: string,
  call: object,
  options: { readonly schema: T; readonly timeoutMs?: number },
): Promise<z.output<T>> {
  const { schema, timeoutMs = answerMs } = options
  let wasLost = false
  let giveUpAt = performance.now() + hubMs
  for (;;) {
    try {
      return await bus.request(subject, { schema: 1, ...call }, { schema, timeoutMs })
    } catch (error) {
      if (!isCentralPostError(error) || !(isLost(error) || isNobody(error))) throw error
      if (isLost(error) && !wasLost) {
        wasLost = true
        giveUpAt = performance.now() + backMs
      }
      if (bus.isClosed || performance.now() >= giveUpAt) throw error
      await untilConnected(bus, giveUpAt)
      await pause(pauseMs)
    }
  }
}

async function untilConnected(bus: Bus, latest: number): Promise<void> {
  while (!bus.isConnected && !bus.isClosed && performance.now() < latest) await pause(pauseMs)
}

const isLost = (error: CentralPostError): boolean => error.details['connection'] === 'lost'

/** Nobody listens: right after its broker has started, a hub is on its way. */
const isNobody = (error: CentralPostError): boolean =>
  error.code === 'unavailable' && (error.cause as { code?: unknown } | undefined)?.code === '503'

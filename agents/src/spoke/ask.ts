import { type Bus, type CentralPostError, isCentralPostError } from '@centralpost/shared'
import type { z } from 'zod'
import { pause } from './deadline.ts'

/** Default time limit of an answer, in milliseconds. */
const answerMs = 5_000
/** How long a lost broker, with its hub, may take to come back, in milliseconds. */
const backMs = 15_000
/** How long a hub may take to start after its broker, in milliseconds. */
const hubMs = 1_000
const pauseMs = 100

/**
 * Calls the hub. A call interrupted by a lost connection is repeated after the reconnect: every
 * endpoint is safe to call twice, and reports a repeat.
 *
 * @param options.timeoutMs time limit of the answer, in milliseconds @default 5000
 * @throws {CentralPostError} the hub's error, or `unavailable` when no hub answered
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

/** No responders: right after its broker has started, a hub may still be starting. */
const isNobody = (error: CentralPostError): boolean =>
  error.code === 'unavailable' && (error.cause as { code?: unknown } | undefined)?.code === '503'

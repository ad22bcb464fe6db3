import {
  DiscardPolicy,
  nanos,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats'
import { CentralPostError } from '../problem.ts'
import type { Bus } from './bus.ts'
import { busError } from './bus-error.ts'

/** A stream as this project wants it, kept in files. */
export interface StreamSettings {
  readonly name: string
  readonly description: string
  readonly subjects: readonly string[]
  /** `workqueue`: a message goes when it is acknowledged; `limits`: it stays until it is too old */
  readonly retention: 'workqueue' | 'limits'
  readonly maxAgeMs: number
  readonly maxMessagesPerSubject: number
  /** over the limit of a subject, refuse the new message or drop the oldest */
  readonly whenFull: 'refuse' | 'drop_oldest'
  readonly maxMessageBytes: number
}

/**
 * Makes a stream or brings its settings up to date.
 *
 * @throws {CentralPostError} `unavailable` when the broker has no JetStream or does not answer
 */
export async function ensureStream(bus: Bus, settings: StreamSettings): Promise<void> {
  const doing = `preparing the stream ${settings.name}`
  const config = streamConfig(settings)
  try {
    const manager = await bus.connection.jetstreamManager()
    try {
      await manager.streams.info(settings.name)
      await manager.streams.update(settings.name, config)
    } catch (error) {
      if (!isMissing(error)) throw error
      await manager.streams.add(config)
    }
  } catch (error) {
    throw jetStreamError(error, bus, doing)
  }
}

/**
 * Looks whether the broker keeps streams for this user.
 *
 * @throws {CentralPostError} `unavailable` when it has no JetStream or does not answer
 */
export async function checkJetStream(bus: Bus): Promise<void> {
  try {
    await bus.connection.jetstreamManager()
  } catch (error) {
    throw jetStreamError(error, bus, 'looking at JetStream')
  }
}

function jetStreamError(error: unknown, bus: Bus, doing: string): CentralPostError {
  if (!(error instanceof NatsError) || error.code !== '503') return busError(error, doing)
  return new CentralPostError(
    'unavailable',
    `${doing}: the broker at ${bus.server} has no JetStream for this user; start it with JetStream enabled`,
    { cause: error },
  )
}

/** How many messages a stream holds of one subject filter. */
export async function countMessages(bus: Bus, stream: string): Promise<number> {
  try {
    const manager = await bus.connection.jetstreamManager({ checkAPI: false })
    return (await manager.streams.info(stream)).state.messages
  } catch (error) {
    throw busError(error, `looking at the stream ${stream}`)
  }
}

function streamConfig(settings: StreamSettings): Partial<StreamConfig> & { name: string } {
  const isQueue = settings.retention === 'workqueue'
  const refuses = settings.whenFull === 'refuse'
  return {
    name: settings.name,
    description: settings.description,
    subjects: [...settings.subjects],
    storage: StorageType.File,
    retention: isQueue ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    max_age: nanos(settings.maxAgeMs),
    max_msgs_per_subject: settings.maxMessagesPerSubject,
    discard: refuses ? DiscardPolicy.New : DiscardPolicy.Old,
    discard_new_per_subject: refuses,
    max_msg_size: settings.maxMessageBytes,
    // the ledger tells repetitions apart; the broker's window is one for all agents, so one could squat another's id
    duplicate_window: nanos(100),
    allow_direct: !isQueue,
  }
}

/** Whether the broker said that it has no such stream, consumer or message. */
export function isMissing(error: unknown): boolean {
  return error instanceof NatsError && error.code === '404'
}

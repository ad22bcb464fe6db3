import {
  DiscardPolicy,
  nanos,
  type JetStreamManager,
  NatsError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats'
import { CentralPostError, isCentralPostError } from '../problem.ts'
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
  /** on how many nodes of a cluster it is kept; absent: on three where there are as many, else as it is */
  readonly replicas?: number | undefined
}

/** The broker's numbers for: no JetStream, and none for this account. */
const withoutJetStream: ReadonlySet<number> = new Set([10_076, 10_039])
/** The broker's numbers for: no cluster, and too few nodes in it. */
const tooFewNodes: ReadonlySet<number> = new Set([10_074, 10_005])
const replicasInCluster = 3

/**
 * Makes a stream or brings its settings up to date.
 *
 * @throws {CentralPostError} `unavailable` when the broker has no JetStream, has too few nodes or does not answer
 */
export async function ensureStream(bus: Bus, settings: StreamSettings): Promise<void> {
  const doing = `preparing the stream ${settings.name}`
  const { replicas } = settings
  const isInCluster = bus.broker.cluster !== undefined
  try {
    const manager = await bus.connection.jetstreamManager()
    try {
      await write(manager, settings, replicas ?? (isInCluster ? replicasInCluster : undefined))
    } catch (error) {
      if (!tooFewNodes.has(apiErrorOf(error) ?? 0)) throw error
      if (replicas !== undefined) throw needsNodes(doing, replicas, error)
      await write(manager, settings, undefined)
    }
  } catch (error) {
    throw isCentralPostError(error) ? error : jetStreamError(error, bus, doing)
  }
}

async function write(
  manager: JetStreamManager,
  settings: StreamSettings,
  replicas: number | undefined,
): Promise<void> {
  const config = {
    ...streamConfig(settings),
    ...(replicas !== undefined && { num_replicas: replicas }),
  }
  try {
    await manager.streams.info(settings.name)
  } catch (error) {
    if (!isMissing(error)) throw error
    await manager.streams.add(config)
    return
  }
  await manager.streams.update(settings.name, config)
}

function needsNodes(doing: string, replicas: number, cause: unknown): CentralPostError {
  return new CentralPostError(
    'unavailable',
    `${doing}: broker.replicas is ${replicas}, and fewer nodes with JetStream are there; start them, or lower it`,
    { cause },
  )
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
  const number = apiErrorOf(error)
  const isWithout =
    number === undefined
      ? error instanceof NatsError && error.code === '503'
      : withoutJetStream.has(number)
  if (!isWithout) return busError(error, doing)
  return new CentralPostError(
    'unavailable',
    `${doing}: the broker at ${bus.server} has no JetStream for this user; start it with JetStream enabled`,
    { cause: error, details: { lasting: true } },
  )
}

function apiErrorOf(error: unknown): number | undefined {
  return error instanceof NatsError ? error.jsError()?.err_code : undefined
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

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

/** Settings of a file-backed stream. */
export interface StreamSettings {
  readonly name: string
  readonly description: string
  readonly subjects: readonly string[]
  /** `workqueue`: a message is removed when acknowledged; `limits`: it stays until it expires */
  readonly retention: 'workqueue' | 'limits'
  readonly maxAgeMs: number
  readonly maxMessagesPerSubject: number
  /** at a subject's limit, reject the new message or drop the oldest */
  readonly whenFull: 'refuse' | 'drop_oldest'
  readonly maxMessageBytes: number
  /** number of replicas in a cluster; absent: three where possible, else unchanged */
  readonly replicas?: number | undefined
}

/** The broker's error codes for: JetStream disabled, and disabled for this account. */
const withoutJetStream: ReadonlySet<number> = new Set([10_076, 10_039])
/** The broker's error codes for: no cluster, and too few nodes. */
const tooFewNodes: ReadonlySet<number> = new Set([10_074, 10_005])
const replicasInCluster = 3

/**
 * Creates a stream or updates its settings.
 *
 * @throws {CentralPostError} `unavailable` when the broker has no JetStream, has too few nodes or
 *   does not answer
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
    `${doing}: broker.replicas is ${replicas}, which exceeds the number of nodes with ` +
      'JetStream; start more nodes, or lower it',
    { cause },
  )
}

/**
 * Checks that the broker has JetStream for this user.
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

/** The number of messages in a stream that match a subject filter. */
export async function countMessages(bus: Bus, stream: string): Promise<number> {
  try {
    const manager = await bus.connection.jetstreamManager({ checkAPI: false })
    return (await manager.streams.info(stream)).state.messages
  } catch (error) {
    throw busError(error, `looking at the stream ${stream}`)
  }
}

/** Headroom below the limit, so that not every new message evicts another. */
const keptShare = 0.95
const mostSteps = 200

/**
 * Removes a stream's oldest messages until it is no larger than it may be. The limit is not the stream's own: a broker
 * reserves room for such a one, and 2.9.10 drops the stream at a restart when there is less.
 *
 * @returns how many messages went
 * @throws {CentralPostError} `unavailable` when the broker does not answer or has no such stream
 */
export async function trimStream(bus: Bus, stream: string, maxBytes: number): Promise<number> {
  let removed = 0
  try {
    const { streams } = await bus.connection.jetstreamManager({ checkAPI: false })
    let { state } = await streams.info(stream)
    if (state.bytes <= maxBytes) return 0
    for (let step = 0; step < mostSteps && state.bytes > maxBytes * keptShare; step += 1) {
      const surplus = (state.bytes - maxBytes * keptShare) / state.bytes
      // sequence numbers may have gaps, so this is an upper bound
      const count = Math.max(1, Math.floor(state.messages * surplus))
      removed += (await streams.purge(stream, { seq: state.first_seq + count })).purged
      ;({ state } = await streams.info(stream))
    }
    return removed
  } catch (error) {
    throw busError(error, `removing the oldest of the stream ${stream}`)
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
    // the ledger deduplicates; the broker's window spans all agents, so one agent could block
    // another's id
    duplicate_window: nanos(100),
    allow_direct: !isQueue,
  }
}

/** Whether the broker reported a missing stream, consumer or message. */
export function isMissing(error: unknown): boolean {
  return error instanceof NatsError && error.code === '404'
}

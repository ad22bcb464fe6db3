import {
  actionStream,
  allRequests,
  allResults,
  type Bus,
  ensureStream,
  resultStream,
} from '@centralpost/shared'

const dayMs = 86_400_000

export interface StreamOptions {
  readonly requestDays: number
  readonly resultDays: number
  /** limit of requests per agent; the broker rejects more */
  readonly queuedPerAgent: number
  /** number of replicas; absent: three where possible */
  readonly replicas?: number | undefined
}

/**
 * Creates the two streams: a work queue for requests, and results, kept for days.
 *
 * @throws {CentralPostError} `unavailable` when the broker has no JetStream
 */
export async function prepareStreams(bus: Bus, options: StreamOptions): Promise<void> {
  await ensureStream(bus, {
    name: actionStream,
    description: 'requests for a hub',
    subjects: [allRequests],
    retention: 'workqueue',
    maxAgeMs: options.requestDays * dayMs,
    maxMessagesPerSubject: options.queuedPerAgent,
    whenFull: 'refuse',
    maxMessageBytes: 262_144,
    replicas: options.replicas,
  })
  await ensureStream(bus, {
    name: resultStream,
    description: 'the result of each action',
    subjects: [allResults],
    retention: 'limits',
    maxAgeMs: options.resultDays * dayMs,
    maxMessagesPerSubject: 1,
    whenFull: 'drop_oldest',
    maxMessageBytes: 1_048_576,
    replicas: options.replicas,
  })
}

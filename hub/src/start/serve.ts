import { type Bus, type Logger, serveEndpoints } from '@centralpost/shared'
import { RequestQueue, type IncomingRequest, type TakenIn } from '../bus/request-queue.ts'
import type { StreamOptions } from '../bus/streams.ts'
import { type WhenThereOptions, whenThere } from '../bus/when-there.ts'
import { agentEndpoints } from '../endpoints/agent-endpoints.ts'
import type { HubParts } from '../endpoints/endpoint-parts.ts'
import { historyEndpoints } from '../endpoints/history-endpoints.ts'
import { operatorEndpoints } from '../endpoints/operator-endpoints.ts'
import { answerUnavailable } from '../endpoints/answer-unavailable.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { version } from '../version.ts'

/** Interval of the search for orphaned actions, in milliseconds. */
const sweepMs = 5000

/** Takes up what a dead hub left, before the first request: what runs now must not be taken for that. */
export async function recoverActions(
  { executor, centralPost, history }: HubParts,
  log: Logger,
): Promise<void> {
  const survivors = await executor.endSurvivors(history.lease.earlierMarkers)
  for (const survivor of survivors) log.warn('ended a process of a dead hub', { ...survivor })
  await centralPost.recover(
    (row) =>
      survivors.filter(
        ({ actionId, agentId }) => actionId === row.action_id && agentId === row.agent_id,
      ).length,
  )
}

interface ServeParts {
  readonly bus: Bus
  /** where questions are answered */
  readonly replies: Bus
  readonly streams: StreamOptions
  readonly intake: Telemetry['intake']
  readonly now: () => number
  readonly log: Logger
}

/** Consumes requests from the stream, answers calls, and looks for orphaned actions. */
export async function serve(
  hub: HubParts,
  { bus, replies, streams, intake, now, log }: ServeParts,
  ready: WhenThereOptions,
  opened: AsyncDisposableStack,
): Promise<void> {
  const { centralPost, hubId } = hub
  const sweeping = setInterval(() => void centralPost.sweep(), sweepMs)
  sweeping.unref()
  opened.defer(() => clearInterval(sweeping))
  const take = (incoming: IncomingRequest): Promise<TakenIn> =>
    intake(incoming.trace, () => centralPost.requestSystemAction(incoming))
  const requests = await whenThere(
    () => RequestQueue.open(bus, { ...streams, now, log }, take),
    ready,
  )
  opened.defer(() => requests.stop())
  const served = await serveEndpoints(
    replies,
    { name: 'CentralPost', version, description: `CentralPost hub ${hubId}`, log },
    [...agentEndpoints(hub), ...operatorEndpoints(hub), ...historyEndpoints(hub)].map((one) =>
      answerUnavailable(one, log),
    ),
  )
  opened.defer(async () => {
    await served.stop()
    await served.idle()
  })
}

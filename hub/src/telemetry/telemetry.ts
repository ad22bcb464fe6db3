import { type Logger, openTracing, type TraceHeaders } from '@centralpost/shared'
import { version } from '../version.ts'
import type { ActionObserver } from './action-observer.ts'
import type { Scraped } from './hub-metrics.ts'
import type { TelemetrySettings } from './telemetry-settings.ts'

export interface TelemetryParts extends Scraped {
  readonly log: Logger
}

/** The hub's optional metrics and traces; disabled parts are not loaded. */
export interface Telemetry extends AsyncDisposable {
  readonly observers: readonly ActionObserver[]
  /** runs intake, in the sender's trace if it has one */
  readonly intake: <T>(trace: TraceHeaders | undefined, take: () => Promise<T>) => Promise<T>
}

const untraced: Telemetry['intake'] = (_trace, take) => take()

/**
 * Opens the configured parts.
 *
 * @throws {CentralPostError} `unavailable` when the metrics' address is in use
 */
export async function openTelemetry(
  { metrics, tracing }: TelemetrySettings,
  parts: TelemetryParts,
): Promise<Telemetry> {
  await using opened = new AsyncDisposableStack()
  const observers: ActionObserver[] = []
  let intake = untraced
  if (metrics.port !== undefined) {
    const { HubMetrics } = await import('./hub-metrics.ts')
    const { MetricsServer } = await import('./metrics-server.ts')
    const measured = new HubMetrics(parts)
    const { host, port } = metrics
    const server = await MetricsServer.start(measured, { host, port, log: parts.log })
    opened.defer(() => server.stop())
    observers.push(measured)
  }
  if (tracing.enabled) {
    const { ActionTraces } = await import('./action-traces.ts')
    const { endpoint } = tracing
    const spans = await openTracing({ service: 'centralpost-hub', version, endpoint })
    const traces = new ActionTraces(spans, { withCommand: tracing.command_text, now: parts.now })
    opened.defer(() => traces.close())
    intake = (trace, take) => traces.intake(trace, take)
    observers.push(traces)
  }
  const all = opened.move()
  return { observers, intake, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

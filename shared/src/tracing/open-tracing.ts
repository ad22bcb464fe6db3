import type { TracingOptions, Tracing } from './tracing.ts'

/** No spans: a trace that somebody else has begun is passed on as it is. */
export const noTracing: Tracing = {
  start: (_name, options) => ({
    headers: options?.parent ?? {},
    set: () => {},
    fail: () => {},
    end: () => {},
  }),
  close: () => Promise.resolve(),
}

/** Starts to tell of work as spans. OpenTelemetry is loaded here and nowhere else. */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { OtelTracing } = await import('./otel-tracing.ts')
  return new OtelTracing(options)
}

import type { TracingOptions, Tracing } from './tracing.ts'

/** No spans: passes an incoming trace context on unchanged. */
export const noTracing: Tracing = {
  start: (_name, options) => ({
    headers: options?.parent ?? {},
    set: () => {},
    fail: () => {},
    end: () => {},
  }),
  close: () => Promise.resolve(),
}

/** Starts tracing. Only this function loads OpenTelemetry. */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { OtelTracing } = await import('./otel-tracing.ts')
  return new OtelTracing(options)
}

import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { SpanStart, TraceHeaders, TraceSpan, Tracing, TracingOptions } from './tracing.ts'

/** How long closing waits for an unresponsive receiver, in milliseconds. */
const closeMs = 2_500
/** Time limit of one batch, in milliseconds; also bounds the exit of a process. */
const exportMs = 2_000
/** How long spans are batched, in milliseconds. */
const batchMs = 1_000

const kinds = {
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const
const propagator = new W3CTraceContextPropagator()
const getter = {
  keys: (headers: TraceHeaders) => Object.keys(headers),
  get: (headers: TraceHeaders, name: string) => headers[name as keyof TraceHeaders],
}
const setter = {
  set: (headers: Record<string, string>, name: string, value: string) => {
    headers[name] = value
  },
}

/**
 * Exports spans by OTLP over HTTP, in batches. Registers nothing global: an embedding program's own
 * OpenTelemetry is not affected.
 */
export class OtelTracing implements Tracing {
  readonly #provider: TracerProvider
  readonly #tracer

  constructor({ service, version, endpoint }: TracingOptions) {
    const exporter = new OTLPTraceExporter({
      timeoutMillis: exportMs,
      ...(endpoint !== undefined && { url: `${endpoint.replace(/\/$/, '')}/v1/traces` }),
    })
    this.#provider = new TracerProvider({
      resource: defaultResource().merge(
        resourceFromAttributes({
          'service.name': process.env['OTEL_SERVICE_NAME'] || service,
          'service.version': version,
        }),
      ),
      spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: batchMs })],
    })
    this.#tracer = this.#provider.getTracer('centralpost', version)
  }

  start(name: string, options: SpanStart = {}): TraceSpan {
    const { kind = 'internal', parent = {}, at, attributes } = options
    const context = propagator.extract(ROOT_CONTEXT, parent, getter)
    const span = this.#tracer.startSpan(
      name,
      {
        kind: kinds[kind],
        ...(at !== undefined && { startTime: at }),
        ...(attributes && { attributes }),
      },
      context,
    )
    const headers: Record<string, string> = {}
    propagator.inject(trace.setSpan(context, span), headers, setter)
    return spanOf(span, headers)
  }

  async close(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, closeMs)
    try {
      await Promise.race([this.#provider.shutdown(), late])
    } catch {
      // the receiver is away: only unsent spans are lost
    } finally {
      clearTimeout(timer)
    }
  }
}

function spanOf(span: Span, headers: TraceHeaders): TraceSpan {
  return {
    headers,
    set: (attributes) => void span.setAttributes(attributes),
    fail: (reason) => void span.setStatus({ code: SpanStatusCode.ERROR, message: reason }),
    end: (at) => span.end(at),
  }
}

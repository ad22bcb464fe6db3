/** The W3C trace context as header fields, to be continued by the receiver. Empty: no trace. */
export interface TraceHeaders {
  readonly traceparent?: string
  readonly tracestate?: string
}

export type TraceAttributes = Readonly<Record<string, string | number | boolean>>

export interface SpanStart {
  readonly kind?: 'internal' | 'producer' | 'consumer'
  /** parent context; absent: starts a new trace */
  readonly parent?: TraceHeaders
  /** in milliseconds since 1970 @default now */
  readonly at?: number
  readonly attributes?: TraceAttributes
}

/** A unit of work in a trace. */
export interface TraceSpan {
  /** the context for child spans */
  readonly headers: TraceHeaders
  set(attributes: TraceAttributes): void
  /** Marks it as failed. */
  fail(reason: string): void
  /** @param at in milliseconds since 1970 @default now */
  end(at?: number): void
}

/** Records work as OpenTelemetry spans, or does nothing. */
export interface Tracing {
  start(name: string, options?: SpanStart): TraceSpan
  /** Flushes remaining spans; never rejects. */
  close(): Promise<void>
}

export interface TracingOptions {
  /** the default service name, overridden by OTEL_SERVICE_NAME */
  readonly service: string
  readonly version: string
  /**
   * the base of an OTLP/HTTP receiver @default OTEL_EXPORTER_OTLP_ENDPOINT, else
   * http://localhost:4318
   */
  readonly endpoint?: string | undefined
}

/** The trace context in header fields; overlong values are dropped. */
export function traceHeadersOf(header: (name: string) => string | undefined): TraceHeaders {
  const traceparent = header('traceparent')
  const tracestate = header('tracestate')
  if (traceparent === undefined || traceparent.length > 64) return {}
  return {
    traceparent,
    ...(tracestate !== undefined && tracestate.length <= 512 && { tracestate }),
  }
}

/** The W3C context of a trace as header fields: who continues it reads them. Empty: there is no trace. */
export interface TraceHeaders {
  readonly traceparent?: string
  readonly tracestate?: string
}

export type TraceAttributes = Readonly<Record<string, string | number | boolean>>

export interface SpanStart {
  readonly kind?: 'internal' | 'producer' | 'consumer'
  /** what it continues; absent: a trace begins */
  readonly parent?: TraceHeaders
  /** in milliseconds since 1970 @default now */
  readonly at?: number
  readonly attributes?: TraceAttributes
}

/** A stretch of work in a trace. */
export interface TraceSpan {
  /** how to continue the trace below this span */
  readonly headers: TraceHeaders
  set(attributes: TraceAttributes): void
  /** Marks it as failed. */
  fail(reason: string): void
  /** @param at in milliseconds since 1970 @default now */
  end(at?: number): void
}

/** Tells of work as OpenTelemetry spans, or does nothing at all. */
export interface Tracing {
  start(name: string, options?: SpanStart): TraceSpan
  /** Sends what is left; never rejects. */
  close(): Promise<void>
}

export interface TracingOptions {
  /** the name of the service where OTEL_SERVICE_NAME does not say */
  readonly service: string
  readonly version: string
  /** the base of an OTLP/HTTP receiver @default what OTEL_EXPORTER_OTLP_ENDPOINT says, else http://localhost:4318 */
  readonly endpoint?: string | undefined
}

/** The context that header fields carry; what is too long to be one is left out. */
export function traceHeadersOf(header: (name: string) => string | undefined): TraceHeaders {
  const traceparent = header('traceparent')
  const tracestate = header('tracestate')
  if (traceparent === undefined || traceparent.length > 64) return {}
  return {
    traceparent,
    ...(tracestate !== undefined && tracestate.length <= 512 && { tracestate }),
  }
}

import { z } from 'zod'

/** The settings of the metrics, with their defaults. */
export const metricsSettingsSchema = z
  .strictObject({
    port: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe("port of Prometheus' /metrics; absent: disabled; 0: a free one, named in the log"),
    host: z.string().min(1).default('127.0.0.1').describe('address to listen on'),
  })
  .prefault({})

/** The settings of tracing, with their defaults. */
export const tracingSettingsSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('sends spans by OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT, or `endpoint`'),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('the base of an OTLP receiver, such as http://127.0.0.1:4318'),
    command_text: z
      .boolean()
      .default(false)
      .describe('whether spans contain the text of commands, which may hold secrets'),
  })
  .prefault({})

export interface TelemetrySettings {
  readonly metrics: z.output<typeof metricsSettingsSchema>
  readonly tracing: z.output<typeof tracingSettingsSchema>
}

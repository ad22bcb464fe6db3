import { z } from 'zod'

/** The broker's settings, with their defaults. */
export const brokerSettingsSchema = z
  .strictObject({
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('of the embedded broker; absent: a free one, remembered'),
    queued_per_agent: z
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('limit of requests that the broker keeps per agent'),
    replicas: z
      .int()
      .min(1)
      .max(5)
      .optional()
      .describe(
        'replicas of requests and results in a cluster; absent: three where possible, else one',
      ),
    request_days: z
      .number()
      .min(0.01)
      .max(365)
      .default(7)
      .describe('days the broker keeps a request for a hub'),
    result_days: z.number().min(0.01).max(365).default(7).describe('days the broker keeps results'),
    result_bytes: z
      .int()
      .min(1_000_000)
      .default(5_000_000_000)
      .describe('of all results that the broker keeps; the oldest go first'),
  })
  .prefault({})

/** The settings as the streams take them. */
export function streamsOf(settings: z.output<typeof brokerSettingsSchema>) {
  return {
    requestDays: settings.request_days,
    resultDays: settings.result_days,
    queuedPerAgent: settings.queued_per_agent,
    replicas: settings.replicas,
  }
}

import { z } from 'zod'

const schema1 = { schema: z.literal(1).default(1) }

/** What the audit trail tells of an action. */
export const auditKinds = [
  'requested',
  'classified',
  'pending',
  'voted',
  'approved',
  'denied',
  'queued',
  'started',
  'finished',
  'expired',
  'cancelled',
  'interrupted',
  'rejected',
  'rule_made',
  'rule_revoked',
  'segment_sealed',
  'taken_over',
] as const
export type AuditKind = (typeof auditKinds)[number]

/** One row of the audit trail. `hash` covers every other field and the hash of the row before. */
export const auditEventSchema = z.object({
  seq: z.int(),
  at: z.string(),
  kind: z.string(),
  data: z.record(z.string(), z.unknown()),
  hash: z.string(),
})
export type AuditEvent = z.infer<typeof auditEventSchema>

/**
 * A place in the audit chain, to be kept outside the hub: as long as the hub's chain still has this hash at this place,
 * nothing up to it was changed and no tail was cut off before it.
 */
export const checkpointSchema = z.strictObject({
  seq: z.int().min(0).describe('the last event; 0: there was none'),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.string().optional().describe('when it was taken'),
  hub_id: z.string().optional(),
})
export type Checkpoint = z.infer<typeof checkpointSchema>

/** `verify`: recomputes the audit chain, and compares it with checkpoints taken earlier. */
export const verifyCallSchema = z.strictObject({
  ...schema1,
  checkpoints: z.array(checkpointSchema).max(1000).optional(),
})
export const verifyReplySchema = z.object({
  intact: z.boolean(),
  events: z.int().describe('that were checked, from the first one kept on'),
  head: z.string().nullable(),
  first_bad: z.int().nullable().describe('the seq of the first event that is not as it was'),
  problem: z.string().nullable(),
  checkpoint: checkpointSchema
    .nullable()
    .describe('of the chain as it is now: keep it outside; null: the chain is broken or empty'),
  first_kept: z.int().nullable().describe('the first event that is not in a segment put away'),
})
export type VerifyReply = z.infer<typeof verifyReplySchema>

/** `segments`: parts of the audit trail that were sealed for keeping elsewhere; `seal` makes one. */
export const segmentsCallSchema = z.strictObject({
  ...schema1,
  seal: z
    .strictObject({
      before: z.iso.datetime({ offset: true }).describe('every event before this moment'),
    })
    .optional(),
})
export const segmentSchema = z.object({
  segment_id: z.int(),
  first_seq: z.int(),
  last_seq: z.int(),
  events: z.int(),
  first_at: z.string(),
  last_at: z.string(),
  sha256: z.string().describe('of the file; the chain carries it too'),
  file: z.string().describe("in the hub's data directory"),
  sealed_at: z.string(),
  sealed_by: z.string(),
})
export type Segment = z.infer<typeof segmentSchema>
export const segmentsReplySchema = z.object({ segments: z.array(segmentSchema) })

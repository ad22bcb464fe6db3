import { z } from 'zod'

const schema1 = { schema: z.literal(1).default(1) }

/** Kinds of events in an action's audit trail. */
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

/** One row of the audit trail. `hash` covers every other field and the previous row's hash. */
export const auditEventSchema = z.object({
  seq: z.int(),
  at: z.string(),
  kind: z.string(),
  data: z.record(z.string(), z.unknown()),
  hash: z.string(),
})
export type AuditEvent = z.infer<typeof auditEventSchema>

/**
 * A position in the audit chain with its hash, kept outside the hub. If the chain still has this
 * hash there, no earlier event was changed and the chain was not truncated before it.
 */
export const checkpointSchema = z.strictObject({
  seq: z.int().min(0).describe('the last event; 0: no event'),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.string().optional().describe('time of the checkpoint'),
  hub_id: z.string().optional(),
})
export type Checkpoint = z.infer<typeof checkpointSchema>

/** `verify`: recomputes the audit chain, and compares it with earlier checkpoints. */
export const verifyCallSchema = z.strictObject({
  ...schema1,
  checkpoints: z.array(checkpointSchema).max(1000).optional(),
})
export const verifyReplySchema = z.object({
  intact: z.boolean(),
  events: z.int().describe('number of events checked, from the first one kept'),
  head: z.string().nullable(),
  first_bad: z.int().nullable().describe('the seq of the first event that does not match'),
  problem: z.string().nullable(),
  checkpoint: checkpointSchema
    .nullable()
    .describe('of the current chain: keep it outside; null: the chain is broken or empty'),
  first_kept: z.int().nullable().describe('the first event outside the sealed segments'),
})
export type VerifyReply = z.infer<typeof verifyReplySchema>

/** `segments`: sealed segments of the audit trail, for keeping elsewhere; `seal` makes one. */
export const segmentsCallSchema = z.strictObject({
  ...schema1,
  seal: z
    .strictObject({
      before: z.iso.datetime({ offset: true }).describe('seals every event before this time'),
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

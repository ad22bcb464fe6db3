import {
  actionCallSchema,
  actionReplySchema,
  classifyCallSchema,
  emptyCallSchema,
  historyCallSchema,
  historyReplySchema,
  hubsReplySchema,
  type OperatorEndpoint,
  operatorPatternsCallSchema,
  operatorPatternsReplySchema,
  outputCallSchema,
  outputReplySchema,
  overviewCallSchema,
  overviewReplySchema,
  proposalsCallSchema,
  proposalsReplySchema,
  resultCallSchema,
  resultReplySchema,
  rulesCallSchema,
  rulesReplySchema,
  statsCallSchema,
  statsReplySchema,
  verdictSchema,
  verifyCallSchema,
  verifyReplySchema,
  violationsCallSchema,
  violationsReplySchema,
} from '@centralpost/shared'
import type { z } from 'zod'

export interface Question {
  readonly call: z.ZodType
  readonly reply: z.ZodType
  /** time limit of the hub's answer, in milliseconds @default 10000 */
  readonly timeoutMs?: number
}

/**
 * Queries that a page may send to the hub unchanged: each becomes `POST /api/<name>`. Decisions
 * have their own routes.
 */
export const questions = {
  result: { call: resultCallSchema, reply: resultReplySchema },
  output: { call: outputCallSchema, reply: outputReplySchema },
  history: { call: historyCallSchema, reply: historyReplySchema },
  action: { call: actionCallSchema, reply: actionReplySchema },
  stats: { call: statsCallSchema, reply: statsReplySchema },
  overview: { call: overviewCallSchema, reply: overviewReplySchema, timeoutMs: 30_000 },
  patterns: {
    call: operatorPatternsCallSchema,
    reply: operatorPatternsReplySchema,
    timeoutMs: 60_000,
  },
  proposals: { call: proposalsCallSchema, reply: proposalsReplySchema, timeoutMs: 30_000 },
  violations: { call: violationsCallSchema, reply: violationsReplySchema, timeoutMs: 30_000 },
  classify: { call: classifyCallSchema, reply: verdictSchema },
  rules: { call: rulesCallSchema, reply: rulesReplySchema },
  hubs: { call: emptyCallSchema, reply: hubsReplySchema },
  verify: { call: verifyCallSchema, reply: verifyReplySchema, timeoutMs: 120_000 },
} as const satisfies Partial<Record<OperatorEndpoint, Question>>
export type QuestionName = keyof typeof questions

import { z } from 'zod'
import { alwaysRuleSchema } from './endpoints.ts'

/**
 * `CENTRAL_POST.hub.rules`: an always rule was made or revoked, in its current form. Informs
 * operators; clears nothing.
 */
export const ruleChangedSchema = alwaysRuleSchema.extend({
  schema: z.literal(1),
  change: z.enum(['made', 'revoked']).describe('by created_by, or by revoked_by'),
})
export type RuleChanged = z.infer<typeof ruleChangedSchema>

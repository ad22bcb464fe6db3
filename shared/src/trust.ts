import { z } from 'zod'

/** How far a command is trusted: SAFE runs at once, REVIEW waits for a person, BLOCKED is refused. */
export const trustLevels = ['SAFE', 'REVIEW', 'BLOCKED'] as const
export type TrustLevel = (typeof trustLevels)[number]
export const trustLevelSchema = z.enum(trustLevels)

export const riskLevels = ['low', 'medium', 'high'] as const
export type RiskLevel = (typeof riskLevels)[number]

/** Felix's decisions that go beyond one action. The others are `approve_once` and `deny`. */
export const alwaysDecisions = [
  'approve_always_exact',
  'approve_always_command',
  'approve_always_path_pattern',
] as const
export type AlwaysDecision = (typeof alwaysDecisions)[number]

/** Where an always rule holds: for the agent in the workflow, for the agent, or for everybody. */
export const alwaysScopes = ['workflow', 'agent', 'everything'] as const
export type AlwaysScope = (typeof alwaysScopes)[number]

/** The seed's risk score: information for the approver. It never lowers a verdict. */
export const riskSchema = z.object({
  level: z.enum(riskLevels),
  score: z.number().int().min(0),
  parts: z.array(z.object({ name: z.string(), points: z.number().int() })),
})
export type Risk = z.infer<typeof riskSchema>

/** One judged part of a command: a simple command, a redirection, an assignment, or the text as a whole. */
export const unitVerdictSchema = z.object({
  text: z.string().describe('the part, printed with every word resolved and quoted'),
  level: trustLevelSchema,
  rule: z.string().describe('id of the rule that decided'),
  reason: z.string().describe('why, in one sentence for a person'),
  suggestion: z.string().optional().describe('what to do instead'),
})
export type UnitVerdict = z.infer<typeof unitVerdictSchema>

/**
 * What will be executed, exactly. `argv` starts a program without a shell; `script` is given to bash as it is
 * (for SAFE it is printed again from the parsed command with every word quoted; for REVIEW it is the text that
 * the approver was shown). `env` is what the classifier adds to the action's environment (hardening).
 * `venv` is the root of a virtual environment that the hub applies itself.
 */
export const planSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('argv'),
    argv: z.array(z.string()).min(1),
    env: z.record(z.string(), z.string()).optional(),
    venv: z.string().optional(),
  }),
  z.object({
    kind: z.literal('script'),
    script: z.string(),
    env: z.record(z.string(), z.string()).optional(),
    venv: z.string().optional(),
  }),
])
export type Plan = z.infer<typeof planSchema>

/** The classifier's judgement of one command. Every key is one word, so it travels as it is. */
export const verdictSchema = z.object({
  level: trustLevelSchema,
  reasons: z.array(z.string()).describe('the decisive reasons, strictest first'),
  suggestion: z.string().optional(),
  units: z.array(unitVerdictSchema),
  risk: riskSchema,
  plan: planSchema,
  policy: z.string().describe('hash of the rule file that judged'),
})
export type Verdict = z.infer<typeof verdictSchema>

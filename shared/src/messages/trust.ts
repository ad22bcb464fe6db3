import { z } from 'zod'

/**
 * The trust level of a command: SAFE runs without approval, REVIEW waits for a person, BLOCKED is
 * refused.
 */
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

/** The scope of an always rule: the agent in the workflow, the agent, or everyone. */
export const alwaysScopes = ['workflow', 'agent', 'everything'] as const
export type AlwaysScope = (typeof alwaysScopes)[number]

/** The seed's risk score: information for the approver. Never lowers a verdict. */
export const riskSchema = z.object({
  level: z.enum(riskLevels),
  score: z.number().int().min(0),
  parts: z.array(z.object({ name: z.string(), points: z.number().int() })),
})
export type Risk = z.infer<typeof riskSchema>

/** Minimum points of a medium and of a high risk. */
export const riskThresholds = { medium: 20, high: 50 } as const

/** The risk level of a score in points. */
export function riskLevelOf(score: number): RiskLevel {
  if (score >= riskThresholds.high) return 'high'
  return score >= riskThresholds.medium ? 'medium' : 'low'
}

/** A risk with its components and scale, for people. */
export function explainRisk({ level, score, parts }: Risk): string {
  const made = parts.map(({ name, points }) => `${name} +${points}`).join(', ')
  const scale = `medium from ${riskThresholds.medium}, high from ${riskThresholds.high}`
  return `${level}: ${score} points (${scale})${made && `: ${made}`}`
}

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
 * Exactly what will be executed. `argv` starts a program without a shell; `script` is given to bash
 * unchanged. A SAFE script is printed from the parsed command with every word quoted; a REVIEW
 * script is the text shown to the approver. `env` is added to the action's environment by the
 * classifier (hardening). `venv` is the root of a virtual environment that the hub activates
 * itself.
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

/** The role of a word for its program. */
export type WordRole = 'flag' | 'value' | 'path' | 'name' | 'data' | 'operand'

/** One word of a part, with quotes and all statically known expansions resolved. */
export interface PartWord {
  /** unknown variables and substitutions are empty, patterns are unexpanded */
  readonly value: string
  /** whether the program gets exactly this value */
  readonly exact: boolean
  /** whether the shell expands it as a pattern */
  readonly glob: boolean
}

/**
 * One simple command of a judged text: its program, directory and named files. Verdict, confinement
 * and binding all use it.
 */
export interface Part {
  /** the program's bare name; empty if known only at run time */
  readonly program: string
  /** the program and its arguments */
  readonly words: readonly PartWord[]
  /** the role of each word for the program; empty where no rule reads them */
  readonly roles: readonly WordRole[]
  /** its working directory; undefined if known only at run time */
  readonly cwd: string | undefined
  readonly redirects: readonly { readonly operator: string; readonly target: PartWord }[]
  /** whether words are added at run time, as by xargs */
  readonly isAppended: boolean
  /** whether it runs another program named by its words; that program is a part of its own */
  readonly isWrapper: boolean
}

/**
 * The judgement of a command's text: the verdict, which is stored, and its parts, which are parsed
 * anew each time.
 */
export interface Judgement {
  readonly verdict: Verdict
  readonly parts: readonly Part[]
  /** false where the text has more parts than listed, or unreadable ones */
  readonly isWhole: boolean
}

/** The classifier's judgement of one command. Every key is one word, so it is sent unchanged. */
export const verdictSchema = z.object({
  level: trustLevelSchema,
  reasons: z.array(z.string()).describe('the decisive reasons, strictest first'),
  suggestion: z.string().optional(),
  units: z.array(unitVerdictSchema),
  risk: riskSchema,
  plan: planSchema,
  policy: z.string().describe('hash of the judging rule file'),
})
export type Verdict = z.infer<typeof verdictSchema>

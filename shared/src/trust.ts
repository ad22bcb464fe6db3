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

/** Points from which a risk is medium, and high. */
export const riskThresholds = { medium: 20, high: 50 } as const

/** The level of a score in points. */
export function riskLevelOf(score: number): RiskLevel {
  if (score >= riskThresholds.high) return 'high'
  return score >= riskThresholds.medium ? 'medium' : 'low'
}

/** A risk with what it is made of and the scale it stands on, for people. */
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

/** How a program takes one of its words. */
export type WordRole = 'flag' | 'value' | 'path' | 'name' | 'data' | 'operand'

/** One word of a part, quotes and everything that is known before it runs resolved. */
export interface PartWord {
  /** unknown variables and substitutions are empty in it, patterns stand as they are */
  readonly value: string
  /** whether the program gets exactly this value */
  readonly exact: boolean
  /** whether the shell expands it as a pattern */
  readonly glob: boolean
}

/**
 * One simple command of a judged text: the one answer to what it runs, where it works and what it names. The verdict,
 * the confinement and what an approval binds all go by it.
 */
export interface Part {
  /** the program's bare name; empty where it is only known when it runs */
  readonly program: string
  /** the program and its arguments */
  readonly words: readonly PartWord[]
  /** what each of the words is to the program; empty where no rule reads them */
  readonly roles: readonly WordRole[]
  /** the directory that it works in; undefined where it is only known when it runs */
  readonly cwd: string | undefined
  readonly redirects: readonly { readonly operator: string; readonly target: PartWord }[]
  /** whether more words are added when it runs, as by xargs */
  readonly isAppended: boolean
  /** whether it runs another program that its words name; that one is a part of its own */
  readonly isWrapper: boolean
}

/** What is made of a command's text: the verdict, which is kept, and its parts, which are read anew each time. */
export interface Judgement {
  readonly verdict: Verdict
  readonly parts: readonly Part[]
  /** false where the text holds more parts than are listed, or some that cannot be read */
  readonly isWhole: boolean
}

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

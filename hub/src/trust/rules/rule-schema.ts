import { z } from 'zod'

const names = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])
const texts = z.union([z.string(), z.array(z.string())])

/** The checks that look into an argument with a language of its own, by name. */
export const checkNames = [
  'awk',
  'find',
  'git-list',
  'hosts',
  'ip',
  'jq',
  'one-word',
  'printf',
  'ps',
  'rpm',
  'sed',
  'tar',
  'test',
  'tree',
] as const
export type CheckName = (typeof checkNames)[number]

const formShape = {
  flags: z
    .enum(['any', 'text'])
    .optional()
    .describe(
      '`any`: no option of this program does more than read, and none takes a file; `text`: every word is printed as it is',
    ),
  short: texts
    .optional()
    .describe(
      'letters; `x:` takes a value, `x<` a path, `x=` a name without a slash, `x?` an attached one',
    ),
  long: texts.optional().describe('names without dashes, with the same endings'),
  single: texts.optional().describe('long names after one dash'),
  words: texts.optional().describe('whole arguments that are allowed as they stand'),
  ordered: z.boolean().optional().describe('the first operand ends the options'),
  digits: z.boolean().optional().describe('`-5` is an option'),
  operands: z
    .enum(['paths', 'names', 'data', 'pattern', 'none'])
    .optional()
    .describe('what the other arguments are. @default paths'),
  most: z.number().int().min(0).optional().describe('most operands'),
  least: z.number().int().min(0).optional().describe('fewest operands'),
  match: z.string().optional().describe('a regex that every operand must match'),
  need: texts.optional().describe('one of these options must be there'),
  globs: z.boolean().optional().describe('a pattern that expands to an option does no harm'),
  dashes: z.boolean().optional().describe('what stands behind `--` is an operand, whatever it is'),
  addresses: z
    .boolean()
    .optional()
    .describe('opens an operand or a file that is named as `scheme:rest` somewhere else'),
  check: z.enum(checkNames).optional(),
  plain: z.boolean().optional().describe('nothing is added where no option is given'),
  add: z.array(z.string()).optional().describe('options the plan adds after the sub-command'),
  risk: z.number().int().min(0).max(100).optional(),
  reason: z.string().optional(),
  suggest: z.string().optional(),
}

export interface FormSource {
  flags?: 'any' | 'text' | undefined
  short?: string | string[] | undefined
  long?: string | string[] | undefined
  single?: string | string[] | undefined
  words?: string | string[] | undefined
  ordered?: boolean | undefined
  digits?: boolean | undefined
  operands?: 'paths' | 'names' | 'data' | 'pattern' | 'none' | undefined
  most?: number | undefined
  least?: number | undefined
  match?: string | undefined
  need?: string | string[] | undefined
  globs?: boolean | undefined
  dashes?: boolean | undefined
  addresses?: boolean | undefined
  check?: CheckName | undefined
  plain?: boolean | undefined
  add?: string[] | undefined
  risk?: number | undefined
  reason?: string | undefined
  suggest?: string | undefined
  sub?: Record<string, FormSource | null> | undefined
  bare?: boolean | undefined
}

/** A form of a program, or of a sub-command, that only reads. */
const formSchema: z.ZodType<FormSource> = z.lazy(() =>
  z.strictObject({
    ...formShape,
    sub: z.record(z.string(), formSchema.nullable()).optional(),
    bare: z.boolean().optional().describe('safe without a sub-command'),
  }),
)

/** A program whose reading forms are SAFE. */
export const programSchema = z.strictObject({
  id: z.string().min(1).optional(),
  program: names,
  ...formShape,
  sub: z.record(z.string(), formSchema.nullable()).optional(),
  bare: z.boolean().optional(),
  harden: z.literal('git').optional(),
  settings: z
    .array(z.string())
    .optional()
    .describe('the plan puts `-c` and one of these behind the program, each'),
  env: z
    .record(z.string(), z.string())
    .optional()
    .describe('variables the plan sets, so that the program neither talks nor writes on the side'),
  versions: z
    .boolean()
    .optional()
    .describe('`--version` and `--help` alone are safe. @default true'),
})
export type ProgramSource = z.infer<typeof programSchema>

/** A condition on one simple command, for REVIEW and BLOCKED. All keys that are given must hold. */
export const dangerSchema = z.strictObject({
  id: z.string().min(1),
  program: names.optional().describe('names; `mkfs.*` takes any suffix'),
  flags: texts.optional().describe('any of these options is present'),
  words: z.string().optional().describe('a regex that some argument matches whole'),
  first: z.string().optional().describe('a regex for the first operands, joined by blanks'),
  text: z.string().optional().describe('a regex searched in all arguments and static input'),
  sql: z
    .boolean()
    .optional()
    .describe('the text is searched in statements only: neither in literals nor in comments'),
  target: z.enum(['critical', 'device', 'essential', 'system-file', 'store']).optional(),
  at: z
    .enum(['source', 'destination', 'here'])
    .optional()
    .describe('the target is the last argument, one before it, or where the command stands'),
  recursive: z.boolean().optional(),
  risk: z.number().int().min(0).max(100).optional(),
  reason: z.string().min(1),
  suggest: z.string().optional(),
})
export type DangerSource = z.infer<typeof dangerSchema>

/** A program that runs another one given in its arguments. */
export const wrapperSchema = z.strictObject({
  program: names,
  sub: z.string().optional().describe('a regex for the words before the inner command'),
  unless: texts.optional().describe('with one of these first arguments it runs nothing'),
  short: texts.optional(),
  long: texts.optional(),
  digits: z.boolean().optional(),
  skip: z.number().int().min(0).optional().describe('operands before the inner command'),
  assignments: z.boolean().optional().describe('NAME=value may come before the inner command'),
  inner: z
    .enum(['rest', 'text', 'all', 'first', 'none'])
    .optional()
    .describe(
      'the rest as argv, the rest joined as shell text, every argument as text, the first one',
    ),
  code: texts.optional().describe('options whose value is shell text'),
  directory: texts.optional().describe('options whose value is where the inner command works'),
  floor: z.enum(['safe', 'review', 'blocked']).optional().describe('@default review'),
  reason: z.string().optional(),
})
export type WrapperSource = z.infer<typeof wrapperSchema>

export const pathsSchema = z.strictObject({
  secret: z.array(z.string()).describe('BLOCKED for whatever reads them'),
  private: z.array(z.string()).describe('REVIEW'),
  public: z.array(z.string()).describe('never counted as secret'),
  wide: z.array(z.string()),
  stores: z
    .array(z.string())
    .describe('directories that keep credentials: BLOCKED to send or to copy as a whole'),
  environments: z.array(z.string()).describe('files of variables: BLOCKED to upload'),
  hunts: z.array(z.string()).describe('regexes for what only who hunts for credentials looks for'),
  critical: z.array(z.string()),
  essential: z
    .array(z.string())
    .describe('names in the directories of the system: BLOCKED to take away'),
  system: z.array(z.string()).describe('BLOCKED as a target of writing'),
})
export type PathsSource = z.infer<typeof pathsSchema>

export const environmentSchema = z.strictObject({
  harmless: z.array(z.string()),
  values: z.record(z.string(), z.array(z.string())).describe('harmless with these values only'),
  shapes: z
    .record(z.string(), z.string())
    .describe('a regex for the value, by names with blanks between them'),
  hooks: z.array(z.string()).describe('load code into any program: BLOCKED'),
  secrets: z.string().describe('a regex for names that hold secrets'),
  about_secrets: z.string().describe('a regex for names that only speak of a secret'),
  named_secrets: z.string().describe('a regex for names that hold a secret for sure'),
  known: z.array(z.string()).describe('variables whose value may be used as a path'),
})
export type EnvironmentSource = z.infer<typeof environmentSchema>

/** One file of knowledge about programs (trust/knowledge/*.yaml). */
export const knowledgeSchema = z.strictObject({
  programs: z.array(programSchema).optional(),
  versions: z.array(z.string()).optional().describe('programs whose `--version` is safe'),
  wrappers: z.array(wrapperSchema).optional(),
  paths: pathsSchema.optional(),
  environment: environmentSchema.optional(),
  prose: z.record(z.string(), z.string()).optional(),
  sets: z.record(z.string(), z.array(z.string())).optional(),
  risks: z.array(dangerSchema).optional().describe('what raises the risk, never the verdict'),
  options: z.record(z.string(), z.unknown()).optional().describe('anchors shared by programs'),
})
export type KnowledgeSource = z.infer<typeof knowledgeSchema>

const pattern = z.string().min(1)

/** Regexes that say one thing, and what it is: people and agents are told the reason, never a regex. */
export const patternSchema = z.strictObject({
  pattern: z.union([pattern, z.array(pattern).min(1)]),
  reason: z.string().min(1),
})
export type PatternSource = z.infer<typeof patternSchema>

/** config/trust_rules.yaml. Without `version` it is a seed file: three lists of regexes. */
export const ruleFileSchema = z.strictObject({
  version: z.literal([1, 2]).optional(),
  known_programs: z
    .enum(['safe', 'vouch'])
    .optional()
    .describe(
      '`safe`: reading forms of known programs are SAFE. `vouch`: only where a pattern says so too',
    ),
  sudo: z.enum(['review', 'blocked']).optional(),
  safe: z.array(z.union([pattern, patternSchema, programSchema])),
  review: z.array(z.union([pattern, patternSchema, dangerSchema])),
  blocked: z.array(z.union([pattern, patternSchema, dangerSchema])),
  wrappers: z.array(wrapperSchema).optional(),
  tests: z
    .array(
      z.union([
        z.strictObject({ safe: z.string() }),
        z.strictObject({ review: z.string() }),
        z.strictObject({ blocked: z.string() }),
      ]),
    )
    .optional(),
})
export type RuleFileSource = z.infer<typeof ruleFileSchema>

import type { CommandPattern, Suggestion, TaskCategory } from '@centralpost/shared'
import type { Database } from '../store/dialect/dialect.ts'
import { failureSignature, normalise } from '../command-form.ts'
import { searchWordsOf } from '../store/search-words.ts'
import { toPattern } from './pattern-store.ts'

export interface SuggestionQuery {
  readonly task?: string | undefined
  /** one of the agent's own actions */
  readonly after?: { readonly agentId: string; readonly actionId: string } | undefined
  readonly category?: TaskCategory | undefined
  readonly limit: number
}

const mostPatterns = 2000

/**
 * Suggestions from the history, best first: fixes of a similar failure, usual next steps, patterns
 * for a described task. Suggestions are advice: nothing runs because of them, and requests are
 * judged as usual.
 */
export async function suggestionsFor(db: Database, asked: SuggestionQuery): Promise<Suggestion[]> {
  const patterns = await patternsOf(db, asked.category)
  const found: Suggestion[] = []
  if (asked.after !== undefined) found.push(...(await afterAction(db, asked.after, patterns)))
  if (asked.task !== undefined || asked.after === undefined) {
    found.push(...forTask(asked.task ?? '', patterns))
  }
  return found.toSorted((a, b) => b.score - a.score).slice(0, asked.limit)
}

async function patternsOf(
  db: Database,
  category: TaskCategory | undefined,
): Promise<CommandPattern[]> {
  const rows = await db
    .selectFrom('command_patterns')
    .selectAll()
    .$if(category !== undefined, (query) => query.where('task_category', '=', category ?? 'other'))
    .orderBy('support', 'desc')
    .limit(mostPatterns)
    .execute()
  return rows.map(toPattern)
}

/** Words that carry no information about a task. */
const idle = new Set(
  'a an the to of in on for and or with my our this that i we is be do please'.split(' '),
)

const meanings: Readonly<Record<string, readonly string[]>> = {
  install: ['pip', 'npm', 'apt', 'packages', 'dependencies'],
  dependencies: ['install', 'requirements', 'packages'],
  dependency: ['install', 'requirements', 'packages'],
  packages: ['install'],
  test: ['pytest', 'jest', 'unittest'],
  tests: ['test', 'pytest', 'jest', 'unittest'],
  environment: ['venv', 'virtualenv', 'conda'],
  virtualenv: ['venv', 'environment'],
  virtual: ['venv'],
  build: ['make', 'cargo', 'compile'],
  compile: ['build', 'make', 'gcc'],
  commit: ['git'],
  publish: ['push', 'release'],
  deploy: ['docker', 'kubectl', 'push'],
  container: ['docker', 'containers'],
  database: ['psql', 'mysql', 'sqlite3', 'migrate'],
}

function forTask(task: string, patterns: readonly CommandPattern[]): Suggestion[] {
  const wanted = searchWordsOf(task).filter((word) => !idle.has(word))
  return patterns.flatMap((pattern) => {
    const text = [
      pattern.pattern_name,
      pattern.task_category,
      ...pattern.command_sequence,
      ...Object.values(pattern.parameters).flat(),
    ].join(' ')
    const there = new Set(searchWordsOf(text))
    const hits = wanted.map((word) => {
      if (there.has(word)) return 1
      return meanings[word]?.some((other) => there.has(other)) ? 0.6 : 0
    })
    const fit =
      wanted.length === 0 ? 0.5 : hits.reduce<number>((sum, hit) => sum + hit, 0) / wanted.length
    if (fit === 0) return []
    return [{ ...fromPattern(pattern), score: fit * 0.7 + trust(pattern) * 0.3 }]
  })
}

/** How well a pattern has proved itself: few uses prove little. */
function trust(pattern: CommandPattern): number {
  const uses = pattern.usage_count
  const successes = (pattern.success_rate ?? 0) * uses
  return (successes + pattern.support + 1) / (uses + pattern.support + 3)
}

function fromPattern(pattern: CommandPattern): Omit<Suggestion, 'score'> {
  const successes = Math.round((pattern.success_rate ?? 0) * pattern.usage_count)
  return {
    kind: 'pattern',
    commands: pattern.command_sequence,
    parameters: pattern.parameters,
    why:
      pattern.origin === 'mined'
        ? `these steps succeeded in this order in ${pattern.support} workflows`
        : `"${pattern.pattern_name}" was recorded by an operator`,
    successes: successes + pattern.support,
    failures: pattern.usage_count - successes,
    avg_duration: pattern.avg_duration,
    preconditions: pattern.preconditions,
    pattern_id: pattern.pattern_id,
  }
}

async function afterAction(
  db: Database,
  { agentId, actionId }: { agentId: string; actionId: string },
  patterns: readonly CommandPattern[],
): Promise<Suggestion[]> {
  const row = await db
    .selectFrom('command_executions')
    .select(['command', 'success', 'error_category', 'exit_code', 'stderr_preview'])
    .where('agent_id', '=', agentId)
    .where('action_id', '=', actionId)
    .executeTakeFirst()
  if (row === undefined) return []
  const { form, parameters } = normalise(row.command)
  if (row.success === 1) return nextOf(form, patterns)
  const signature = failureSignature(row.error_category, row.exit_code, row.stderr_preview)
  const fixes = await db
    .selectFrom('failure_fixes as x')
    .innerJoin('command_forms as f', 'f.form_id', 'x.form_id')
    .select(['x.fix', 'x.times', 'x.signature', 'f.form'])
    .where((is) => is.or([is('f.form', '=', form), is('x.signature', '=', signature)]))
    .orderBy('x.times', 'desc')
    .limit(200)
    .execute()
  const own: Record<string, string[]> = {}
  for (const { name, value } of parameters) (own[name] ??= []).push(value)
  return fixes
    .filter((fix) => fix.form === form || isTelling(fix.signature))
    .map((fix) => {
      const commands = JSON.parse(fix.fix) as string[]
      const isSame = fix.signature === signature
      const closeness = isSame ? (fix.form === form ? 1 : 0.7) : 0.35
      return {
        kind: 'fix' as const,
        commands: [...commands, form],
        parameters: own,
        why: `${isSame ? 'the same failure' : 'another failure of this command'} was followed by this and then success, ${fix.times} times`,
        score: closeness * (fix.times / (fix.times + 1)),
        successes: fix.times,
        failures: 0,
        avg_duration: null,
        preconditions: {},
        pattern_id: null,
      }
    })
}

/** A signature without a telling line matches many unrelated failures. */
function isTelling(signature: string): boolean {
  return signature.split(':').slice(2).join(':').length > 10
}

function nextOf(form: string, patterns: readonly CommandPattern[]): Suggestion[] {
  return patterns.flatMap((pattern) => {
    const at = pattern.command_sequence.indexOf(form)
    const rest = pattern.command_sequence.slice(at + 1)
    if (at === -1 || rest.length === 0) return []
    return [
      {
        ...fromPattern(pattern),
        kind: 'next' as const,
        commands: rest,
        why: `this came next in ${pattern.support} workflows`,
        score: trust(pattern) * 0.9,
      },
    ]
  })
}

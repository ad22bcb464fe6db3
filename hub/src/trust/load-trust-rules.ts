import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CentralPostError, messageOf, parseYaml } from '@centralpost/shared'
import { z } from 'zod'
import { classify } from './classify.ts'
import { lintCondition, lintPattern, suspectPattern } from './rules/lint-pattern.ts'
import type { Policy } from './rules/policy.ts'
import { compilePolicy } from './rules/policy.ts'
import type { KnowledgeSource, RuleFileSource } from './rules/rule-schema.ts'
import { patternsOf } from './rules/string-patterns.ts'
import { knowledgeSchema, ruleFileSchema } from './rules/rule-schema.ts'

/** Knowledge about programs, shipped with the hub; rule files stand on it. */
const knowledgeDirectory = fileURLToPath(new URL('./knowledge/', import.meta.url))

/** One thing that is wrong, or probably wrong, in a rule file. */
export interface RuleFault {
  readonly file: string
  readonly line: number
  readonly message: string
}

export interface LoadedRules {
  readonly policy: Policy
  /** Probable mistakes, which are not refused. */
  readonly warnings: readonly RuleFault[]
  readonly counts: { readonly safe: number; readonly review: number; readonly blocked: number }
}

/**
 * Reads, checks and compiles a rule file, and runs the tests it carries.
 *
 * @throws {CentralPostError} `invalid_config` naming every fault with file, line and pattern
 */
export async function loadTrustRules(rulesPath: string): Promise<LoadedRules> {
  const rules = await readSource(rulesPath, ruleFileSchema)
  const names = (await readdir(knowledgeDirectory))
    .filter((name) => name.endsWith('.yaml'))
    .toSorted()
  const knowledge = await Promise.all(
    names.map((name) => readSource(join(knowledgeDirectory, name), knowledgeSchema)),
  )
  const faults = [rules, ...knowledge].flatMap((source) => source.faults)
  if (rules.value) faults.push(...faultsOfPatterns(rules.value, rules))
  if (faults.length > 0 || !rules.value) throw invalid(faults)
  const sources = knowledge.flatMap(({ value }) => (value ? [value] : []))
  const hash = createHash('sha256')
  for (const { text } of [rules, ...knowledge]) hash.update(text).update('\0')
  const policy = compile(rules.value, sources, hash.digest('hex'), [rules, ...knowledge])
  const failed = faultsOfTests(rules.value, policy, rules)
  if (failed.length > 0) throw invalid(failed)
  const { safe, review, blocked } = rules.value
  return {
    policy,
    warnings: warningsOf(rules.value, rules),
    counts: { safe: countOf(safe), review: countOf(review), blocked: countOf(blocked) },
  }
}

interface Source<T> {
  readonly path: string
  readonly text: string
  readonly value: T | undefined
  readonly faults: readonly RuleFault[]
}

async function readSource<T>(path: string, schema: z.ZodType<T>): Promise<Source<T>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const message = `cannot read the trust rules ${path}: ${messageOf(error)}`
    throw new CentralPostError('invalid_config', message, { cause: error })
  }
  const parsed = schema.safeParse(parseYaml(text, path) ?? {})
  if (parsed.success) return { path, text, value: parsed.data, faults: [] }
  const faults = parsed.error.issues.map((issue) => ({
    file: path,
    line: lineOfPath(text, issue.path),
    message: `${z.core.toDotPath(issue.path) || 'the file'}: ${issue.message}`,
  }))
  return { path, text, value: undefined, faults }
}

function compile(
  rules: RuleFileSource,
  knowledge: readonly KnowledgeSource[],
  hash: string,
  sources: readonly Source<unknown>[],
): Policy {
  try {
    return compilePolicy(rules, knowledge, hash)
  } catch (error) {
    // The message names the pattern that does not compile; its file is looked up.
    const message = messageOf(error)
    const quoted =
      /Invalid regular expression: \/(?:\^\(\?:)?(.*?)(?:\)\$)?\/\w*: |"([^"]+)"/s.exec(message)
    const text = quoted?.[1] ?? quoted?.[2] ?? message
    const source = sources.find((each) => each.text.includes(text)) ?? sources[0]
    if (!source) throw error
    throw invalid([fault(source, text, message)])
  }
}

/** Rules of a list; of patterns that share a reason each counts. */
function countOf(rules: readonly (string | object)[]): number {
  const others = rules.filter((rule) => typeof rule !== 'string' && !('pattern' in rule))
  return patternsOf(rules).length + others.length
}

const levels = ['safe', 'review', 'blocked'] as const

function faultsOfPatterns(rules: RuleFileSource, source: Source<unknown>): RuleFault[] {
  const faults = eachPattern(rules, (pattern, level) => {
    const message = lintPattern(pattern)
    return message === undefined
      ? []
      : [fault(source, pattern, `${level} pattern ${pattern}: ${message}`)]
  })
  for (const rule of [...rules.review, ...rules.blocked]) {
    if (typeof rule === 'string' || 'pattern' in rule) continue
    for (const pattern of [rule.text, rule.words, rule.first]) {
      const message = pattern === undefined ? undefined : lintCondition(pattern)
      if (message !== undefined)
        faults.push(fault(source, pattern ?? '', `${rule.id}: ${pattern}: ${message}`))
    }
  }
  return faults
}

function warningsOf(rules: RuleFileSource, source: Source<unknown>): RuleFault[] {
  const seen = new Set<string>()
  return eachPattern(rules, (pattern, level) => {
    const repeated = seen.has(pattern) ? 'stands in the file twice' : undefined
    seen.add(pattern)
    const message = repeated ?? suspectPattern(pattern, level)
    return message === undefined
      ? []
      : [fault(source, pattern, `${level} pattern ${pattern}: ${message}`)]
  })
}

function eachPattern(
  rules: RuleFileSource,
  visit: (pattern: string, level: (typeof levels)[number]) => RuleFault[],
): RuleFault[] {
  return levels.flatMap((level) =>
    patternsOf(rules[level]).flatMap(({ source }) => visit(source, level)),
  )
}

function faultsOfTests(
  rules: RuleFileSource,
  policy: Policy,
  source: Source<unknown>,
): RuleFault[] {
  return (rules.tests ?? []).flatMap((test) => {
    const [level, command] = Object.entries(test)[0] ?? ['review', '']
    const { verdict } = classify(command, {}, policy)
    if (verdict.level === level.toUpperCase()) return []
    const message = `test failed: ${command} should be ${level.toUpperCase()} and is ${verdict.level} (${verdict.reasons[0] ?? ''})`
    return [fault(source, command, message)]
  })
}

function fault(source: Source<unknown>, text: string, message: string): RuleFault {
  return { file: source.path, line: lineOfText(source.text, text), message }
}

/** The first line that holds the text, in any of YAML's spellings of it. */
function lineOfText(yaml: string, text: string): number {
  const spellings = [text, text.replaceAll("'", "''"), JSON.stringify(text).slice(1, -1)]
  const lines = yaml.split('\n')
  const index = lines.findIndex((line) => spellings.some((spelling) => line.includes(spelling)))
  return index < 0 ? 1 : index + 1
}

/** The line of a path such as `blocked[3].reason`: the nth item under its key. */
function lineOfPath(yaml: string, path: readonly PropertyKey[]): number {
  const [key, item] = path
  const lines = yaml.split('\n')
  const start = lines.findIndex((line) => line.startsWith(`${String(key)}:`))
  if (start < 0) return 1
  if (typeof item !== 'number') return start + 1
  let count = -1
  const indent = /^\s*- /.exec(
    lines.slice(start + 1).find((line) => /^\s*- /.test(line)) ?? '',
  )?.[0]
  for (let at = start + 1; at < lines.length; at += 1) {
    if (indent !== undefined && lines[at]?.startsWith(indent)) count += 1
    if (count === item) return at + 1
  }
  return start + 1
}

function invalid(faults: readonly RuleFault[]): CentralPostError {
  const text = faults.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n')
  return new CentralPostError('invalid_config', text, { details: { faults } })
}

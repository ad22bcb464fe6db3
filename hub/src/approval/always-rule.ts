import { basename, dirname, relative, resolve, sep } from 'node:path'
import { type AlwaysDecision, isWithin, realPathOf, type Verdict } from '@centralpost/shared'
import type { ApprovalRule } from '../history/ledger/approval-store.ts'
import {
  type Bound,
  boundFiles,
  differenceOf,
  isUnbound,
  unboundOf,
} from '../action/bound-files.ts'
import { exactRefusal } from './exact-rule.ts'
import type { RuleSubject } from './rule-subject.ts'

/** Limit of file names in a rule's text. */
const mostListed = 12

/** The conditions of an always rule. All must hold; none is a text pattern. */
export interface RuleShape {
  readonly kind: AlwaysDecision
  readonly program: string
  /** `add` of `git add x`, for a rule bound to a place */
  readonly subcommand: string | null
  /** allowed options, by name; others need approval */
  readonly flags: readonly string[]
  /** of `approve_always_exact`: all words, in order */
  readonly argv: readonly string[] | null
  /**
   * of `approve_always_exact` for shell commands: the whole text; absent in rules of earlier
   * versions
   */
  readonly script?: string | null
  /** named paths must be this directory or below it; null: the rule is exact */
  readonly pathPrefix: string | null
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /**
   * ids of the trust rules that judged the approved command; a different rule needs a new approval
   */
  readonly judgedBy: readonly string[]
  /** the files bound at approval; absent in rules of earlier versions, which are therefore void */
  readonly bound?: Bound
}

/** The parsed form that a rule binds. */
export function readShape(rule: ApprovalRule): RuleShape {
  return rule.shape as RuleShape
}

/**
 * Commands whose operands are all names of files or directories to create or record, never to
 * overwrite: these can be bound to a place. Operands of other commands may be code, a host, a
 * service or a setting.
 */
const boundByPlace: Readonly<Record<string, string | null>> = {
  mkdir: null,
  touch: null,
  git: 'add',
}

/** Names that programs run or obey: creating one always needs approval. */
const obeyed =
  /^(\..+|makefile|gnumakefile|dockerfile|justfile|rakefile|gemfile|(conftest|setup|sitecustomize|usercustomize)\.py|.*\.(lock|toml|json|ya?ml|mk|sh|service|pth))$/i

/**
 * The rule that an always decision on this action would make, or the reason why not.
 *  A rule binds one program with all its words, and the current content of the files it runs.
 * Excluded: destructive or elevated commands, programs that run their input, and BLOCKED commands.
 */
export function ruleFor(
  kind: AlwaysDecision,
  subject: RuleSubject,
): { readonly shape: RuleShape } | { readonly refused: string } {
  const { verdict } = subject
  if (verdict.level !== 'REVIEW') return { refused: `a ${verdict.level} command needs no rule` }
  const refused = exactRefusal(subject)
  if (refused !== null) return { refused }
  return kind === 'approve_always_exact'
    ? { shape: exactShape(subject) }
    : shapeByPlace(kind, subject)
}

function exactShape({ verdict, cwd, env, bound }: RuleSubject): RuleShape {
  const { plan } = verdict
  return {
    kind: 'approve_always_exact',
    program: plan.kind === 'argv' ? basename(plan.argv[0] ?? '') : 'bash',
    subcommand: null,
    flags: [],
    argv: plan.kind === 'argv' ? plan.argv : null,
    script: plan.kind === 'script' ? plan.script : null,
    pathPrefix: null,
    cwd,
    env,
    judgedBy: judgesOf(verdict),
    bound,
  }
}

function shapeByPlace(
  kind: AlwaysDecision,
  { verdict, cwd, env, bound }: RuleSubject,
): { readonly shape: RuleShape } | { readonly refused: string } {
  const words = verdict.plan.kind === 'argv' ? verdict.plan.argv : []
  const [program = '', ...args] = words
  const subcommand = boundByPlace[program]
  if (subcommand === undefined || (subcommand !== null && args[0] !== subcommand)) {
    return {
      refused: `operands of ${program || 'a script'} may not be files: only approve_always_exact can bind them`,
    }
  }
  const { flags, operands } = wordsOf(subcommand === null ? args : args.slice(1))
  const shape = {
    kind,
    program,
    subcommand,
    flags: flags.toSorted(),
    argv: null,
    cwd,
    env,
    judgedBy: judgesOf(verdict),
    bound: withoutOperands(bound, cwd, operands),
  }
  if (kind === 'approve_always_command') return { shape: { ...shape, pathPrefix: cwd } }
  const [first] = operands
  if (first === undefined || !/[/.]/.test(first)) {
    return { refused: 'it names no path to bind a rule to' }
  }
  const prefix = realPathOf(dirname(resolve(cwd, first)))
  if (prefix.split(sep).filter(Boolean).length < 2) {
    return { refused: `"${prefix}" is too wide a directory for a rule` }
  }
  return { shape: { ...shape, pathPrefix: prefix } }
}

/** Whether a rule covers this action. */
export function ruleCovers(rule: RuleShape, subject: RuleSubject): boolean {
  return coversForm(rule, subject) && changedSince(rule, subject) === null
}

/** Whether a rule matches this action, regardless of the content of its files. */
export function coversForm(rule: RuleShape, subject: RuleSubject): boolean {
  const { verdict, cwd, env } = subject
  const asked = ruleFor(rule.kind, subject)
  // unbindable content of today is not covered by an earlier rule either
  if ('refused' in asked) return false
  const { shape } = asked
  if (shape.program !== rule.program || shape.subcommand !== rule.subcommand) return false
  if (!sameText(shape.judgedBy, rule.judgedBy) || !sameEnv(env, rule.env)) return false
  if (rule.kind === 'approve_always_exact') {
    const isSame =
      verdict.plan.kind === 'argv'
        ? rule.argv !== null && sameText(verdict.plan.argv, rule.argv)
        : verdict.plan.script === rule.script
    return isSame && cwd === rule.cwd
  }
  if (verdict.plan.kind !== 'argv') return false
  if (shape.flags.some((flag) => !rule.flags.includes(flag))) return false
  const prefix = rule.pathPrefix ?? rule.cwd
  if (!isWithin(cwd, prefix) && !isWithin(prefix, cwd)) return false
  if (rule.kind === 'approve_always_command' && cwd !== rule.cwd) return false
  const args = verdict.plan.argv.slice(rule.subcommand === null ? 1 : 2)
  return wordsOf(args).operands.every((word) => isPlainBelow(resolve(cwd, word), prefix))
}

/** Differences from the files bound at approval, in words; null without any. */
export function changedSince(rule: RuleShape, subject: RuleSubject): string | null {
  if (rule.bound === undefined) return 'it was made by an earlier version and binds no files'
  const asked = ruleFor(rule.kind, subject)
  const bound = 'shape' in asked ? asked.shape.bound : subject.bound
  return differenceOf(rule.bound, bound ?? {}, 'the rule was made')
}

/** The binding without the files that a command records by name: another name is another file. */
function withoutOperands(bound: Bound, cwd: string, operands: readonly string[]): Bound {
  const named = new Set(operands.map((word) => `file ${resolve(cwd, word)}`))
  return Object.fromEntries(
    Object.entries(bound).filter(([name]) => !named.has(name) && !isUnbound(name)),
  )
}

/**
 * Whether a path is below a directory, symlinks followed, without a component that programs run or
 * obey.
 */
function isPlainBelow(path: string, directory: string): boolean {
  const real = realPathOf(path)
  if (!isWithin(real, directory) || /[@=:]/.test(path)) return false
  return !relative(directory, real)
    .split(sep)
    .some((name) => obeyed.test(name))
}

/**
 * The rule's text for the approver: exactly what it will allow.
 *
 * @param holder the rule's scope, in words
 */
export function describeRule(shape: RuleShape, holder: string): string {
  const env = Object.keys(shape.env).length === 0 ? '' : ` with ${JSON.stringify(shape.env)}`
  if (shape.kind === 'approve_always_exact') {
    const what = shape.script == null ? JSON.stringify(shape.argv) : JSON.stringify(shape.script)
    return `exactly ${what} in ${shape.cwd}${env}${describeBound(shape)}, for ${holder}`
  }
  const command = [shape.program, shape.subcommand].filter(Boolean).join(' ')
  const flags = shape.flags.length === 0 ? 'no options' : `no options but ${shape.flags.join(' ')}`
  const where =
    shape.kind === 'approve_always_command'
      ? `in ${shape.cwd}, on nothing outside it`
      : `on paths below ${String(shape.pathPrefix)}`
  return `${command} with ${flags}, ${where}${env}, for ${holder}`
}

/** The files bound by a rule, and its unbound parts. */
function describeBound({ bound = {}, cwd }: RuleShape): string {
  const files = boundFiles(bound).map((path) => (isWithin(path, cwd) ? relative(cwd, path) : path))
  const unbound = unboundOf(bound)
  const held = files.length === 0 ? '' : `, while these are unchanged: ${listed(files)}`
  return unbound.length === 0 ? held : `${held}; not bound: ${listed(unbound)}`
}

function listed(names: readonly string[]): string {
  const left = names.length - mostListed
  const shown = names.slice(0, mostListed).join(', ')
  return left > 0 ? `${shown} and ${left} more` : shown
}

function wordsOf(args: readonly string[]): { flags: string[]; operands: string[] } {
  const end = args.indexOf('--')
  const isFlag = (word: string, at: number): boolean =>
    word.startsWith('-') && word !== '-' && (end === -1 || at < end)
  return {
    // the whole option counts, with its value: `--mode=700` is not `--mode=777`
    flags: args.filter(isFlag),
    operands: args.filter((word, at) => !isFlag(word, at) && at !== end),
  }
}

function judgesOf(verdict: Verdict): string[] {
  return [...new Set(verdict.units.map((unit) => `${unit.level} ${unit.rule}`))].toSorted()
}

function sameText(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index])
}

function sameEnv(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  )
}

import {
  type Judgement,
  type Plan,
  type TrustLevel,
  type Verdict,
  messageOf,
  quoteIfNeeded,
} from '@centralpost/shared'
import { assessRisk } from './judge/assess-risk.ts'
import { shorten } from './shell/command-text.ts'
import type { CommandNode, ParsedCommand } from './shell/command-tree.ts'
import { carriesData } from './flow/carries-data.ts'
import { followData } from './flow/follow.ts'
import { patternFinding } from './judge/findings.ts'
import { Judge } from './judge/judge.ts'
import { parseCommand } from './shell/parse-command.ts'
import { planAsWritten, planSafe } from './plan.ts'
import type { Policy } from './rules/policy.ts'
import { judgeProtected } from './own-data/judge-own-data.ts'
import { RealPaths } from './own-data/real-paths.ts'
import { mostUnits } from './judge/units.ts'
import { Subject } from './rules/string-patterns.ts'

/** Longest judged command text, in characters. */
export const longestCommand = 16_384

const mostReasons = 8
const safeOnly: readonly TrustLevel[] = ['SAFE']
const strictestFirst: readonly TrustLevel[] = ['BLOCKED', 'REVIEW']

// Control characters, exotic blanks, and characters that change or hide the display of others.
const invisible =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- finding them is the purpose
  /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufeff\uffa0\ufff0-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/** The context of a command that bears on its verdict. */
export interface ClassifyContext {
  /** Absolute working directory. */
  readonly cwd?: string | undefined
  /** Variables that the request sets. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Home directory of the account that commands run under. */
  readonly home?: string | undefined
  /**
   * Files and directories of the hub itself, which no command may touch: absolute, without
   * symlinks.
   */
  readonly protectedPaths?: readonly string[] | undefined
  /** Symlink targets seen while judging. A cached verdict holds only while they are unchanged. */
  readonly realPaths?: RealPaths | undefined
}

/**
 * Judges one command. The same command, context, policy and symlinks give the same judgement. Never
 * throws; an internal error becomes a REVIEW with its message.
 *
 * @param command shell text, or argv for a program that is started without a shell
 */
export function classify(
  command: string | readonly string[],
  context: ClassifyContext,
  policy: Policy,
): Judgement {
  const text = typeof command === 'string' ? command : command.map(quoteIfNeeded).join(' ')
  const judge = new Judge(policy, context.home, context.protectedPaths ?? [])
  let root: CommandNode | null = null
  let isWhole = false
  try {
    const parsed =
      typeof command === 'string' ? admit(command, judge, policy) : fromArgv(command, judge)
    root = parsed.root
    if (root) judge.run(root, context.cwd)
    if (root && judge.level === 'REVIEW' && carriesData(root, policy)) {
      for (const { text: part, ...finding } of followData(root, context.cwd, judge.grounds))
        judge.add(part, finding)
    }
    for (const fault of parsed.faults) {
      judge.add(shorten(text), { level: 'REVIEW', rule: 'parse-error', reason: fault })
    }
    if (root) judgeOwnData(root, context, judge)
    judgeEnvironment(context.env, judge, policy)
    isWhole = parsed.faults.length === 0 && judge.units.length < mostUnits
    if (judge.units.length === 0) {
      judge.add(shorten(text), { level: 'REVIEW', rule: 'no-command', reason: 'holds no command' })
    }
  } catch (error) {
    judge.add(shorten(text), {
      level: 'REVIEW',
      rule: 'classifier-error',
      reason: `could not be judged: ${messageOf(error)}`,
    })
  }
  const verdict = verdictOf(judge, planFor(judge, root, command, text), policy)
  return { verdict, parts: judge.parts, isWhole }
}

/** An agent that read the hub's data could act as an operator: applies to every program. */
function judgeOwnData(root: CommandNode, context: ClassifyContext, judge: Judge): void {
  const { cwd, home, protectedPaths = [], realPaths: real = new RealPaths() } = context
  if (cwd === undefined || protectedPaths.length === 0) return
  const report = judgeProtected(root, { cwd, home, roots: protectedPaths, real })
  for (const { text, ...finding } of report.findings) judge.add(shorten(text), finding)
  for (const [word, options] of report.additions) {
    judge.additions.set(word, [...(judge.additions.get(word) ?? []), ...options])
  }
}

function admit(command: string, judge: Judge, policy: Policy): ParsedCommand {
  if (command.includes('\0')) {
    judge.add(shorten(command), {
      level: 'BLOCKED',
      rule: 'nul',
      reason: 'holds a NUL character, so that what runs is not what is read',
    })
    return { root: null, faults: [] }
  }
  if (command.length > longestCommand) {
    return { root: null, faults: [`longer than ${longestCommand} characters`] }
  }
  const hidden = invisible.exec(command)?.[0]
  if (hidden !== undefined) {
    const code = hidden.codePointAt(0)?.toString(16).padStart(4, '0')
    judge.add(shorten(command), {
      level: 'REVIEW',
      rule: 'invisible',
      reason: `holds the character U+${code}, which people do not see as it is`,
    })
  }
  const parsed = parseCommand(command)
  if (parsed.faults.length > 0) {
    // The tree may lack parts; BLOCKED patterns are also tried on the text.
    const pattern = policy.blockedPatterns.find('', new Subject(command))
    if (pattern) {
      judge.add(shorten(command), patternFinding('BLOCKED', pattern))
    }
  }
  return parsed
}

function fromArgv(argv: readonly string[], judge: Judge): ParsedCommand {
  const whole = argv.join(' ')
  if (whole.length > longestCommand) {
    return { root: null, faults: [`longer than ${longestCommand} characters`] }
  }
  if (whole.includes('\0')) {
    judge.add(shorten(whole), { level: 'BLOCKED', rule: 'nul', reason: 'holds a NUL character' })
  } else if (invisible.test(whole)) {
    judge.add(shorten(whole), {
      level: 'REVIEW',
      rule: 'invisible',
      reason: 'holds a character that people do not see as it is',
    })
  }
  const words = argv.map((value) => ({ value }))
  return { root: { kind: 'simple', assignments: [], words, redirects: [] }, faults: [] }
}

function judgeEnvironment(
  env: Readonly<Record<string, string>> | undefined,
  judge: Judge,
  policy: Policy,
): void {
  for (const [name, value] of Object.entries(env ?? {})) {
    const worst = policy.environment.judge(name, value)
    if (worst === 'harmless') continue
    const level = worst === 'blocked' ? 'BLOCKED' : 'REVIEW'
    const effect =
      worst === 'blocked' ? 'loads code into programs' : 'can change what a program does'
    judge.add(`env ${name}`, { level, rule: 'environment', reason: `${name} ${effect}` })
  }
}

function planFor(
  judge: Judge,
  root: CommandNode | null,
  command: string | readonly string[],
  text: string,
): Plan {
  if (judge.level === 'SAFE' && root) {
    try {
      return planSafe(root, judge)
    } catch (error) {
      judge.add(shorten(text), {
        level: 'REVIEW',
        rule: 'not-reproducible',
        reason: messageOf(error),
      })
    }
  }
  if (typeof command !== 'string' && command.length > 0) return { kind: 'argv', argv: [...command] }
  return planAsWritten(root, text)
}

function verdictOf(judge: Judge, plan: Plan, policy: Policy): Verdict {
  const { units, level } = judge
  const reasons: string[] = []
  let suggestion: string | undefined
  for (const wanted of level === 'SAFE' ? safeOnly : strictestFirst) {
    for (const unit of units) {
      if (unit.level !== wanted) continue
      suggestion ??= unit.suggestion
      if (reasons.length < mostReasons && !reasons.includes(unit.reason)) reasons.push(unit.reason)
    }
  }
  const risk = assessRisk(judge.words, level, units, judge.risks)
  return suggestion === undefined
    ? { level, reasons, units, risk, plan, policy: policy.hash }
    : { level, reasons, suggestion, units, risk, plan, policy: policy.hash }
}

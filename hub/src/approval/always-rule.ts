import { basename, dirname, relative, resolve, sep } from 'node:path'
import { type AlwaysDecision, isWithin, realPathOf, type Verdict } from '@centralpost/shared'
import type { ApprovalRule } from '../history/schema.ts'

/** An action as an always rule sees it: its parsed form, never its text. */
export interface RuleSubject {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly verdict: Verdict
}

/** What an always rule lets run without a question. Everything in it must hold; nothing in it is a pattern of text. */
export interface RuleShape {
  readonly kind: AlwaysDecision
  readonly program: string
  /** `add` of `git add x`, of a rule that is bound by place */
  readonly subcommand: string | null
  /** the options that may be given, by name; others ask again */
  readonly flags: readonly string[]
  /** of `approve_always_exact`: all the words, in order */
  readonly argv: readonly string[] | null
  /** paths that are named must be this directory or below it; null: the rule is exact */
  readonly pathPrefix: string | null
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** ids of the trust rules that judged the approved command: what another rule asks about, it asks again */
  readonly judgedBy: readonly string[]
}

/** The parsed form that a rule binds. */
export function readShape(rule: ApprovalRule): RuleShape {
  return JSON.parse(rule.shape) as RuleShape
}

/** Programs whose arguments are programs, or that run whatever they are given: a rule for them would be a rule for all. */
const runners = new Set(
  `sh bash dash zsh ksh fish csh tcsh busybox env sudo doas su pkexec runuser xargs parallel eval exec source ssh
  docker podman nerdctl kubectl nsenter chroot unshare systemd-run at batch watch timeout nice nohup setsid stdbuf time
  ionice flock script strace ltrace gdb perl ruby node deno bun lua php awk gawk mawk sed find fd tclsh expect python
  python2 python3 pypy pypy3 ipython java go cargo npx bunx pnpx uvx pipx make cmake ninja just task rake gradle mvn ant`.split(
    /\s+/,
  ),
)

/**
 * Commands whose every operand is the name of a file or directory that they make or note, and never overwrite: these
 * can be bound by place. What other commands name may be code, a host, a service or a setting.
 */
const boundByPlace: Readonly<Record<string, string | null>> = {
  mkdir: null,
  touch: null,
  git: 'add',
}

/** Names that others run or obey: making one of these is asked about each time. */
const obeyed =
  /^(\..+|makefile|gnumakefile|dockerfile|justfile|rakefile|gemfile|(conftest|setup|sitecustomize|usercustomize)\.py|.*\.(lock|toml|json|ya?ml|mk|sh|service|pth))$/i

/** Words and options of git and its like that throw work away. */
const discards = new Set(
  'reset clean checkout restore switch rebase filter-branch gc prune rm reflog update-ref stash'.split(
    ' ',
  ),
)
const discardingOption =
  /^(-f|-D|-[A-Za-z]*f|--force.*|--hard|--delete|--mirror|--prune|--no-verify)$/

/**
 * The rule that an always decision on this action would make, or why there can be none.
 *
 * Only one simple, static command can be bound: no compound, nothing destructive or elevated, no program that runs
 * others, nothing that is BLOCKED.
 */
export function ruleFor(
  kind: AlwaysDecision,
  subject: RuleSubject,
): { readonly shape: RuleShape } | { readonly refused: string } {
  const { verdict, cwd, env } = subject
  if (verdict.level !== 'REVIEW') return { refused: `a ${verdict.level} command needs no rule` }
  if (verdict.plan.kind !== 'argv') {
    return {
      refused:
        'only one simple command can be approved always, and this is more, or a shell must run it',
    }
  }
  const { argv } = verdict.plan
  const program = basename(argv[0] ?? '')
  if (program !== argv[0])
    return { refused: `"${argv[0]}" is a path; only programs of the system can be bound` }
  if (runners.has(program) || /^(python|pypy|perl|ruby|node|php|lua)[\d.]+$/.test(program)) {
    return {
      refused: `${program} runs what it is given: a rule for it would be a rule for everything`,
    }
  }
  const danger = verdict.risk.parts.find((part) => /^(destructive|elevated)/.test(part.name))
  if (danger) return { refused: `it is ${danger.name}: each one is asked about` }
  const args = argv.slice(1)
  const discarding = args.find((word) => discards.has(word) || discardingOption.test(word))
  if (discarding !== undefined) {
    return { refused: `"${discarding}" may throw work away: each one is asked about` }
  }
  const bound = { kind, program, cwd, env, judgedBy: judgesOf(verdict) }
  if (kind === 'approve_always_exact') {
    return { shape: { ...bound, subcommand: null, flags: [], argv, pathPrefix: null } }
  }
  const subcommand = boundByPlace[program]
  if (subcommand === undefined || (subcommand !== null && args[0] !== subcommand)) {
    return {
      refused: `what ${program} names need not be files: only approve_always_exact binds it`,
    }
  }
  const { flags, operands } = wordsOf(subcommand === null ? args : args.slice(1))
  const shape = { ...bound, subcommand, flags: flags.toSorted(), argv: null }
  if (kind === 'approve_always_command') return { shape: { ...shape, pathPrefix: cwd } }
  const [first] = operands
  if (first === undefined || !/[/.]/.test(first)) {
    return { refused: 'it names no path that a rule could be bound to' }
  }
  const prefix = realPathOf(dirname(resolve(cwd, first)))
  if (prefix.split(sep).filter(Boolean).length < 2) {
    return { refused: `"${prefix}" is too wide a place for a rule` }
  }
  return { shape: { ...shape, pathPrefix: prefix } }
}

/** Whether a rule lets this action run without a question. */
export function ruleCovers(rule: RuleShape, subject: RuleSubject): boolean {
  const { verdict, cwd, env } = subject
  const asked = ruleFor(rule.kind, subject)
  // what could not be bound today is not covered by a rule of yesterday either
  if ('refused' in asked || verdict.plan.kind !== 'argv') return false
  const { shape } = asked
  if (shape.program !== rule.program || shape.subcommand !== rule.subcommand) return false
  if (!sameText(shape.judgedBy, rule.judgedBy) || !sameEnv(env, rule.env)) return false
  if (rule.argv !== null) return cwd === rule.cwd && sameText(verdict.plan.argv, rule.argv)
  if (shape.flags.some((flag) => !rule.flags.includes(flag))) return false
  const prefix = rule.pathPrefix ?? rule.cwd
  if (!isWithin(cwd, prefix) && !isWithin(prefix, cwd)) return false
  if (rule.kind === 'approve_always_command' && cwd !== rule.cwd) return false
  const args = verdict.plan.argv.slice(rule.subcommand === null ? 1 : 2)
  return wordsOf(args).operands.every((word) => isPlainBelow(resolve(cwd, word), prefix))
}

/** Whether a path is below a directory, links followed, with no name in between that others run or obey. */
function isPlainBelow(path: string, directory: string): boolean {
  const real = realPathOf(path)
  if (!isWithin(real, directory) || /[@=:]/.test(path)) return false
  return !relative(directory, real)
    .split(sep)
    .some((name) => obeyed.test(name))
}

/**
 * The rule as the approver reads it before it is made: verbatim what it will let run.
 *
 * @param holder for whom it holds
 */
export function describeRule(shape: RuleShape, holder: string): string {
  const env = Object.keys(shape.env).length === 0 ? '' : ` with ${JSON.stringify(shape.env)}`
  if (shape.argv !== null) {
    return `exactly ${JSON.stringify(shape.argv)} in ${shape.cwd}${env}, for ${holder}`
  }
  const command = [shape.program, shape.subcommand].filter(Boolean).join(' ')
  const flags = shape.flags.length === 0 ? 'no options' : `no options but ${shape.flags.join(' ')}`
  const where =
    shape.kind === 'approve_always_command'
      ? `in ${shape.cwd}, on nothing outside it`
      : `on paths below ${String(shape.pathPrefix)}`
  return `${command} with ${flags}, ${where}${env}, for ${holder}`
}

function wordsOf(args: readonly string[]): { flags: string[]; operands: string[] } {
  const end = args.indexOf('--')
  const isFlag = (word: string, at: number): boolean =>
    word.startsWith('-') && word !== '-' && (end === -1 || at < end)
  return {
    // the whole option counts, value and all: `--mode=700` is not `--mode=777`
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

import { basename, dirname, resolve, sep } from 'node:path'
import { type AlwaysDecision, isWithin, realPathOf, type Verdict } from '@centralpost/shared'

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
  /** `install` of `pip install x`, for programs that have sub-commands */
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

/** Programs whose arguments are programs, or that run whatever they are given: a rule for them would be a rule for all. */
const runners = new Set(
  `sh bash dash zsh ksh fish csh tcsh busybox env sudo doas su pkexec runuser xargs parallel eval exec source ssh
  docker podman nerdctl kubectl nsenter chroot unshare systemd-run at batch watch timeout nice nohup setsid stdbuf time
  ionice flock script strace ltrace gdb perl ruby node deno bun lua php awk gawk mawk sed find fd tclsh expect python
  python2 python3 pypy pypy3 ipython java go cargo npx bunx pnpx uvx pipx make cmake ninja just task rake gradle mvn ant`.split(
    /\s+/,
  ),
)

const withSubcommands = new Set(
  `git npm pnpm yarn pip pip3 uv poetry conda apt apt-get brew apk dnf yum gh glab systemctl composer gem bundle helm
  terraform aws gcloud az rustup nvm`.split(/\s+/),
)

/** Sub-commands whose operands name code or another machine: approved always only word for word. */
const onlyExact = new Set(
  `install add i ci update upgrade exec run run-script dlx x create init link publish start restart enable deploy
  apply`.split(/\s+/),
)
const onlyExactOfGit = new Set(
  'push pull fetch clone remote config submodule send-email'.split(' '),
)

/** Sub-commands and options that throw work away. */
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
  const words = wordsOf(program, argv.slice(1))
  const isDiscarding = words.subcommand !== null && discards.has(words.subcommand)
  const discarding = isDiscarding
    ? words.subcommand
    : words.flags.find((flag) => discardingOption.test(flag))
  if (discarding != null)
    return { refused: `"${discarding}" may throw work away: each one is asked about` }
  const shape: RuleShape = {
    kind,
    program,
    subcommand: words.subcommand,
    flags: words.flags.toSorted(),
    argv: kind === 'approve_always_exact' ? argv : null,
    pathPrefix: null,
    cwd,
    env,
    judgedBy: judgesOf(verdict),
  }
  if (kind === 'approve_always_exact') return { shape }
  const exactOnes = program === 'git' ? onlyExactOfGit : onlyExact
  if (words.subcommand !== null && exactOnes.has(words.subcommand)) {
    return {
      refused: `what "${program} ${words.subcommand}" names is code or another machine: only approve_always_exact binds it`,
    }
  }
  if (kind === 'approve_always_command') return { shape: { ...shape, pathPrefix: cwd } }
  const [first] = words.operands.filter(namesPath)
  if (first === undefined) return { refused: 'it names no path that a rule could be bound to' }
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
  const { operands } = wordsOf(rule.program, verdict.plan.argv.slice(1))
  // a name with a colon may be another machine's
  return operands.every(
    (word) => !word.includes(':') && isWithin(realPathOf(resolve(cwd, word)), prefix),
  )
}

/** The rule as the approver reads it before it is made: verbatim what it will let run. */
export function describeRule(shape: RuleShape): string {
  const env = Object.keys(shape.env).length === 0 ? '' : ` with ${JSON.stringify(shape.env)}`
  if (shape.argv !== null) {
    return `exactly ${JSON.stringify(shape.argv)} in ${shape.cwd}${env}`
  }
  const command = [shape.program, shape.subcommand].filter(Boolean).join(' ')
  const flags = shape.flags.length === 0 ? 'no options' : `no options but ${shape.flags.join(' ')}`
  const where =
    shape.kind === 'approve_always_command'
      ? `in ${shape.cwd}, on nothing outside it`
      : `on paths below ${String(shape.pathPrefix)}`
  return `${command} with ${flags}, ${where}${env}`
}

interface Words {
  readonly subcommand: string | null
  readonly flags: readonly string[]
  readonly operands: readonly string[]
}

function wordsOf(program: string, args: readonly string[]): Words {
  const flags: string[] = []
  const operands: string[] = []
  let subcommand: string | null = null
  let isOver = false
  for (const arg of args) {
    if (isOver || !arg.startsWith('-') || arg === '-') {
      if (subcommand === null && withSubcommands.has(program) && operands.length === 0)
        subcommand = arg
      else operands.push(arg)
    } else if (arg === '--') isOver = true
    else {
      // the whole option counts, value and all: `--index-url=x` is not `--index-url=y`
      flags.push(arg)
    }
  }
  return { subcommand, flags, operands }
}

function judgesOf(verdict: Verdict): string[] {
  return [...new Set(verdict.units.map((unit) => `${unit.level} ${unit.rule}`))].toSorted()
}

function namesPath(word: string): boolean {
  return word.includes('/') || word.includes('.')
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

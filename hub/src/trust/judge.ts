import type { TrustLevel, UnitVerdict } from '@centralpost/shared'
import type {
  Assignment,
  CommandNode,
  Compound,
  Redirect,
  SimpleCommand,
  Word,
} from './command-tree.ts'
import { isNode } from './command-tree.ts'
import { hasFlag } from './danger-rules.ts'
import type { Shape } from './danger-rules.ts'
import { containedProducer, inputOf } from './data-flow.ts'
import { parseCommand } from './parse-command.ts'
import type { PathPolicy } from './paths.ts'
import { fromGlob, isHarmlessSink, resolvePath } from './paths.ts'
import type { Policy } from './policy.ts'
import { describe, describeWord, quoteIfNeeded } from './print-command.ts'
import type { Form, Reading } from './program-rules.ts'
import { readForms } from './program-rules.ts'
import type { Lookups, ResolvedWord } from './resolve-words.ts'
import { resolveWord, scriptsOf } from './resolve-words.ts'
import type { Inner, Unwrapped } from './unwrap.ts'
import { unwrap, unwrapFind } from './unwrap.ts'

const mostUnits = 200
const mostWrappers = 8
/** Characters of shell text inside arguments that are parsed for one command. */
const mostInnerText = 32_768
const trustedDirectory = /^\/(?:usr\/local\/|usr\/)?s?bin\/([^/]+)$/
const venvActivate = /^(?:\.\/)?(\.venv|venv)\/bin\/activate$/
const sysrq = /^\/proc\/(?:sysrq-trigger|sys\/kernel\/(?:sysrq|core_pattern|modprobe))$/

interface Finding {
  readonly level: TrustLevel
  readonly rule: string
  readonly reason: string
  readonly suggestion?: string | undefined
}

/** Where a command stands. */
export interface Scope {
  cwd: string | undefined
  /** After a `cd` to a directory that is only known when it runs. */
  isLost: boolean
  readonly assigned: Map<string, string>
  readonly functions: Set<string>
  /** The command whose output this one reads. */
  upstream: readonly ResolvedWord[] | undefined
  /** Programs earlier in the same pipeline. */
  pipeline: readonly string[]
  depth: number
}

/** How a command comes to be run: by itself, or by a wrapper that adds names. */
interface Via {
  readonly layers: number
  readonly appends: boolean
  readonly contained: boolean
  readonly isXargs: boolean
}

const direct: Via = { layers: 0, appends: false, contained: false, isXargs: false }

/** Words of a risk assessment, gathered while judging. */
export interface JudgedWords {
  readonly program: string
  readonly args: readonly string[]
  readonly input: string | undefined
}

/** Judges the parts of one command; each unit is kept with the rule that decided it. */
export class Judge {
  readonly units: UnitVerdict[] = []
  readonly words: JudgedWords[] = []
  readonly risks: { name: string; points: number }[] = []
  /** Options that the plan puts after a word. */
  readonly additions = new Map<Word, readonly string[]>()
  /** Commands that the plan replaces by `true`, because the hub does their work itself. */
  readonly replaced = new Set<SimpleCommand>()
  /** Variables that the plan sets. */
  readonly env: Record<string, string> = {}
  venv: string | undefined
  hardensGit = false
  level: TrustLevel = 'SAFE'
  #textLeft = mostInnerText
  readonly #policy: Policy
  readonly #paths: PathPolicy
  readonly #home: string | undefined
  readonly #protected: readonly string[]
  readonly #patternText = new Map<SimpleCommand, string>()

  constructor(policy: Policy, home: string | undefined, protectedPaths: readonly string[]) {
    this.#policy = policy
    this.#paths = policy.paths(home)
    this.#home = home
    this.#protected = protectedPaths
  }

  /** Judges a whole parsed command. */
  run(root: CommandNode, cwd: string | undefined): void {
    const scope = newScope(cwd)
    this.#node(root, scope)
    if (root.kind !== 'simple') this.#wholeText(root)
  }

  /** Adds a verdict that no single command carries. */
  add(text: string, finding: Finding): void {
    this.units.push({
      text,
      level: finding.level,
      rule: finding.rule,
      reason: finding.reason,
      ...(finding.suggestion !== undefined && { suggestion: finding.suggestion }),
    })
    if (isStricter(finding.level, this.level)) this.level = finding.level
  }

  #node(node: CommandNode, scope: Scope): void {
    if (node.kind === 'simple') this.#simple(node, scope)
    else this.#compound(node, scope)
  }

  #compound(node: Compound, scope: Scope): void {
    const inner = node.kind === 'subshell' ? copyOf(scope) : scope
    if (node.kind === 'function' && node.name !== undefined) this.#function(node, scope)
    if (node.kind === 'pipeline') this.#pipeline(node, scope)
    else {
      for (const part of node.shape) {
        if (typeof part === 'string') continue
        if (isNode(part)) this.#node(part, inner)
        else this.#looseWord(part, node, inner)
      }
    }
    const findings: Finding[] = []
    this.#redirects(node.redirects, scope, '', findings)
    if (!node.reproducible)
      findings.push(review('compound', compoundReasons[node.kind] ?? `a ${node.kind}`))
    for (const finding of findings) this.add(describeShort(node), finding)
  }

  #pipeline(node: Compound, scope: Scope): void {
    const pipeline: string[] = []
    let upstream: readonly ResolvedWord[] | undefined
    for (const part of node.shape) {
      if (typeof part === 'string' || !isNode(part)) continue
      const stage = { ...copyOf(scope), upstream, pipeline }
      this.#node(part, stage)
      upstream =
        part.kind === 'simple' ? part.words.map((word) => this.#resolve(word, scope)) : undefined
      if (pipeline.length < mostUnits) pipeline.push(...programsOf(part))
    }
  }

  #function(node: Compound, scope: Scope): void {
    const name = node.name ?? ''
    scope.functions.add(name)
    const body = node.shape.filter(isNodePart)
    const calls = body.flatMap((part) => programsOf(part)).filter((program) => program === name)
    if (calls.length > 1 || (calls.length === 1 && describe(node).includes('&'))) {
      this.add(describeShort(node), {
        level: 'BLOCKED',
        rule: 'fork-bomb',
        reason: `the function ${name} starts itself without end`,
      })
    }
  }

  /** A word of `for`, `case`, `[[ ]]` or `(( ))`. */
  #looseWord(word: Word, node: Compound, scope: Scope): void {
    if (!word.pieces) {
      if (/\[.*(?:\$\(|`)/s.test(word.value))
        this.add(word.value, review('subscript', 'a subscript that bash evaluates'))
      return
    }
    this.#scripts(word, scope)
    const resolved = this.#resolve(word, scope)
    if (resolved.opaque !== undefined)
      this.add(describeWord(word), review('dynamic', resolved.opaque))
    if (resolved.secret !== undefined) this.add(describeWord(word), secretVariable(resolved.secret))
    if (node.kind === 'test' && resolved.splits && resolved.data) {
      // Inside [[ ]] nothing is split; an unknown value is only compared.
      return
    }
  }

  #scripts(word: Word, scope: Scope): void {
    for (const script of scriptsOf(word)) {
      if (scope.depth > 16) {
        this.add('…', review('too-deep', 'substitutions nested too deep to judge'))
        return
      }
      this.#node(script, {
        ...copyOf(scope),
        depth: scope.depth + 1,
        upstream: undefined,
        pipeline: [],
      })
    }
  }

  #resolve(word: Word, scope: Scope): ResolvedWord {
    if (!word.pieces) return resolveWord(word, noLookups)
    return resolveWord(word, this.#lookups(scope))
  }

  #lookups(scope: Scope): Lookups {
    return {
      home: this.#home,
      cwd: scope.cwd,
      assigned: scope.assigned,
      isKnown: (name) => this.#policy.environment.isKnown(name) && !scope.assigned.has(name),
      isSecret: (name) => this.#policy.environment.isSecret(name),
    }
  }

  #simple(command: SimpleCommand, scope: Scope): void {
    for (const word of command.words) if (word.pieces) this.#scripts(word, scope)
    for (const { value } of command.assignments) if (value.pieces) this.#scripts(value, scope)
    for (const { target } of command.redirects) if (target.pieces) this.#scripts(target, scope)
    const words = command.words.map((word) => this.#resolve(word, scope))
    this.#command(words, command, command.assignments, command.redirects, scope, direct)
  }

  #command(
    words: readonly ResolvedWord[],
    source: SimpleCommand | undefined,
    assignments: readonly Assignment[],
    redirects: readonly Redirect[],
    scope: Scope,
    via: Via,
  ): void {
    const findings: Finding[] = []
    const program = this.#programOf(words, scope, findings)
    this.#assignments(assignments, words.length === 0, scope, findings)
    if (redirects.length > 0) this.#redirects(redirects, scope, program.name, findings)
    if (this.units.length >= mostUnits) {
      this.#overflow(program.name, words, redirects, scope, findings)
      return
    }
    const text = source && via.layers === 0 ? describe(source) : describeSome(words)
    if (words.length === 0) {
      if (assignments.length === 0 && redirects.length === 0) {
        findings.push(review('no-command', 'holds no command'))
      }
      this.#settle(text, findings, { level: 'SAFE', rule: 'empty', reason: 'runs nothing' })
      return
    }
    const input = inputOf(redirects, scope.upstream)
    this.words.push({
      program: program.name,
      args: words.slice(1).map(({ value }) => value),
      input,
    })
    if (program.name === '') {
      this.#guessProgram(words, scope, findings)
      this.#settle(text, findings, unknown(text))
      return
    }
    const inner = this.#inner(program.name, words)
    const reading = inner ? undefined : this.#read(program.name, words)
    this.#dangers(program.name, words, reading, input, scope, findings, source)
    const innerLength =
      inner?.inner.reduce(
        (most, each) => (each.kind === 'words' ? Math.max(most, each.words.length) : most),
        0,
      ) ?? 0
    const own =
      innerLength > 0 && program.name !== 'find'
        ? words.slice(0, words.length - innerLength)
        : words
    this.#secrets(program.name, own, reading, scope, findings)
    if (this.#policy.shells.has(program.name) || this.#policy.interpreters.has(program.name)) {
      this.#interpreter(program.name, words, input, scope, findings)
    }
    if (inner) {
      this.#wrapped(inner, program.name, words, assignments, redirects, scope, via, findings, text)
      return
    }
    const verdict = this.#readingVerdict(
      program,
      words,
      reading,
      source,
      scope,
      via,
      text,
      redirects.length > 0,
    )
    this.#settle(text, findings, verdict)
  }

  /** Past the cap nothing is SAFE any more, but what is BLOCKED still is. */
  #overflow(
    program: string,
    words: readonly ResolvedWord[],
    redirects: readonly Redirect[],
    scope: Scope,
    findings: Finding[],
  ): void {
    if (this.units.length === mostUnits) {
      this.add('…', review('too-many', `more than ${mostUnits} commands in one`))
    }
    if (program !== '') {
      const args = words.slice(1).map(({ value }) => value)
      const shape = this.#shape(program, args, inputOf(redirects, undefined), () => false, scope)
      const rule = this.#policy.blocked.find(shape, this.#paths)
      if (rule) findings.push({ level: 'BLOCKED', rule: rule.id, reason: rule.reason })
      this.#secrets(program, words, undefined, scope, findings)
    }
    const worst = findings.find(({ level }) => level === 'BLOCKED')
    if (worst && this.units.length < mostUnits * 2) this.add(shorten(describeSome(words)), worst)
    const inner = program === '' ? undefined : this.#inner(program, words)
    for (const each of inner?.inner ?? []) {
      if (each.kind === 'words' && each.words.length < words.length) {
        this.#command(each.words, undefined, [], noRedirects, scope, direct)
      } else if (each.kind === 'text') this.#text(each.text, scope)
    }
  }

  /** The program's name, by which rules know it; empty where it is only known when it runs. */
  #programOf(
    words: readonly ResolvedWord[],
    scope: Scope,
    findings: Finding[],
  ): { name: string; trusted: boolean } {
    const first = words[0]
    if (!first) return { name: '', trusted: false }
    if (!first.exact || first.glob) {
      findings.push(
        review(
          'dynamic-program',
          `which program runs is only known when it runs: ${first.value || describeWord(first.word)}`,
        ),
      )
      return { name: '', trusted: false }
    }
    const name = first.value
    if (scope.functions.has(name))
      findings.push(review('function', `${name} is a function of this command`))
    if (!name.includes('/')) return { name, trusted: name !== '' }
    const trusted = trustedDirectory.exec(resolvePath(name, scope.cwd))?.[1]
    if (trusted === undefined || !name.startsWith('/')) {
      findings.push(
        review(
          'program-path',
          `${name} is not a program of the system`,
          'call it by its bare name',
        ),
      )
    }
    return {
      name: name.slice(name.lastIndexOf('/') + 1),
      trusted: trusted !== undefined && name.startsWith('/'),
    }
  }

  /** With an unknown program the words are still tried on what is BLOCKED, as bash would most likely see them. */
  #guessProgram(words: readonly ResolvedWord[], scope: Scope, findings: Finding[]): void {
    const guess = words.flatMap(({ value }) => value.split(/\s+/)).filter((part) => part !== '')
    const name = guess[0]?.slice(guess[0].lastIndexOf('/') + 1) ?? ''
    const shape = this.#shape(
      name.replaceAll(/[?*]/g, ''),
      guess.slice(1),
      undefined,
      () => false,
      scope,
    )
    const names = /[?*[]/.test(name) ? ['rm', 'dd', 'shutdown', 'mkfs'] : [shape.program]
    for (const program of names) {
      if (/[?*[]/.test(name) && fromGlob(name)?.test(program) !== true) continue
      const rule = this.#policy.blocked.find({ ...shape, program }, this.#paths)
      if (rule) findings.push({ level: 'BLOCKED', rule: rule.id, reason: rule.reason })
    }
    for (const { value, glob } of words) {
      const secrecy = this.#secrecyOf(value, glob, scope)
      if (secrecy === 'secret') findings.push(secretFinding(value))
    }
  }

  #assignments(
    assignments: readonly Assignment[],
    bare: boolean,
    scope: Scope,
    findings: Finding[],
  ): void {
    for (const { name, value, plain } of assignments) {
      const resolved = this.#resolve(value, scope)
      const verdict =
        resolved.exact && plain ? this.#policy.environment.judge(name, resolved.value) : 'review'
      const worst = this.#policy.environment.judge(name, '') === 'blocked' ? 'blocked' : verdict
      if (worst === 'blocked') findings.push(environmentFinding(name, 'BLOCKED'))
      else if (worst === 'review') findings.push(environmentFinding(name, 'REVIEW'))
      if (bare) {
        scope.assigned.set(name, resolved.value)
        findings.push(review('assignment', `sets ${name} for what follows`))
      }
    }
  }

  #redirects(
    redirects: readonly Redirect[],
    scope: Scope,
    program: string,
    findings: Finding[],
  ): void {
    for (const redirect of redirects) {
      const target = this.#resolve(redirect.target, scope)
      if (redirect.fdVariable !== undefined)
        findings.push(review('redirect', 'opens a descriptor by a variable'))
      if (redirect.operator === '<<' || redirect.operator === '<<<') {
        if (target.opaque !== undefined) findings.push(review('here-document', target.opaque))
        else if (redirect.operator === '<<' && (target.data || !target.value.endsWith('\n'))) {
          findings.push(review('here-document', 'a here-document that bash expands'))
        }
        if (target.secret !== undefined) findings.push(secretVariable(target.secret))
        continue
      }
      const duplicates =
        redirect.operator.endsWith('&') &&
        redirect.operator !== '&>' &&
        /^(?:\d+|-|\d+-)$/.test(target.value)
      if (duplicates && target.exact) continue
      this.#redirectPath(redirect, target, scope, program, findings)
    }
  }

  #redirectPath(
    redirect: Redirect,
    target: ResolvedWord,
    scope: Scope,
    program: string,
    findings: Finding[],
  ): void {
    const path = resolvePath(target.value, scope.cwd)
    if (/^\/dev\/(?:tcp|udp)\//.test(target.value)) {
      const isShell = this.#policy.shells.has(program) || program === 'exec'
      findings.push(
        isShell
          ? { level: 'BLOCKED', rule: 'reverse-shell', reason: 'connects a shell to the network' }
          : review('network-redirect', 'opens a network connection'),
      )
      return
    }
    if (redirect.operator === '<') {
      if (target.data || target.glob || target.opaque !== undefined) {
        const isProcess = target.value === '/dev/fd/63'
        if (!isProcess)
          findings.push(review('redirect', 'reads a file that is only known when it runs'))
      }
      const secrecy = this.#secrecyOf(target.value, target.glob, scope)
      if (secrecy === 'secret') findings.push(secretFinding(target.value))
      else if (secrecy === 'private') findings.push(privateFinding(target.value))
      return
    }
    if (target.exact && redirect.operator !== '<>' && isHarmlessSink(target.value)) return
    if (this.#paths.isDevice(path) || sysrq.test(path)) {
      findings.push({ level: 'BLOCKED', rule: 'write-device', reason: `writes to ${path}` })
    } else if (this.#paths.isSystemTarget(path) || this.#isProtected(path)) {
      findings.push({
        level: 'BLOCKED',
        rule: 'write-system',
        reason: `writes to ${path}, which decides who may do what`,
      })
    } else findings.push(review('redirect', `writes to ${describeWord(redirect.target)}`))
  }

  #isProtected(path: string): boolean {
    return this.#protected.some((root) => path === root || path.startsWith(`${root}/`))
  }

  #inner(program: string, words: readonly ResolvedWord[]): Unwrapped | undefined {
    if (words.length === 2 && /^--(?:help|version)$/.test(words[1]?.value ?? '')) return undefined
    if (words.length === 2 && this.#read(program, words)?.form.id === 'version') return undefined
    if (program === 'find' || program === 'gfind') {
      const inner = unwrapFind(words)
      return inner.length > 0 ? { floor: 'safe', reason: undefined, inner } : undefined
    }
    for (const wrapper of this.#policy.wrappers.get(program) ?? []) {
      const unwrapped = unwrap(wrapper, words)
      if (unwrapped) return unwrapped
    }
    return undefined
  }

  #wrapped(
    { floor, reason, inner }: Unwrapped,
    program: string,
    words: readonly ResolvedWord[],
    assignments: readonly Assignment[],
    redirects: readonly Redirect[],
    scope: Scope,
    via: Via,
    findings: Finding[],
    text: string,
  ): void {
    const isFind = program === 'find' || program === 'gfind'
    const own: Finding[] = [...findings]
    if (isFind) {
      const reading = this.#read(program, words)
      if (reading?.refusal !== undefined) own.push(review('find', reading.refusal))
    }
    if (program === 'sudo' && floor !== 'safe') {
      own.push({
        level: this.#policy.sudo === 'blocked' ? 'BLOCKED' : 'REVIEW',
        rule: 'sudo',
        reason: 'runs with the rights of another account',
      })
    } else if (floor !== 'safe') {
      own.push({
        level: floor === 'blocked' ? 'BLOCKED' : 'REVIEW',
        rule: 'wrapper',
        reason: reason ?? `${program} runs another command`,
      })
    }
    if (via.layers >= mostWrappers) own.push(review('too-deep', 'wrapped too many times to judge'))
    for (const word of words)
      if (word.opaque !== undefined) own.push(review('dynamic', word.opaque))
    if (inner.length === 0 && own.length === 0) own.push(...this.#emptyWrapper(program))
    if (own.length > 0) this.#settle(text, own, { level: 'SAFE', rule: 'wrapper', reason: '' })
    if (via.layers >= mostWrappers) return
    void assignments
    const contained = isFind
      ? containedProducer(words, this.#secrecyIn(scope))
      : containedProducer(scope.upstream, this.#secrecyIn(scope))
    for (const each of inner)
      this.#innerCommand(each, program, redirects, scope, {
        ...via,
        layers: via.layers + 1,
        contained,
      })
  }

  #emptyWrapper(program: string): Finding[] {
    if (program === 'xargs') return []
    if (program === 'env') return [review('environment', 'prints the whole environment')]
    return [review('wrapper', `${program} without a command that is understood`)]
  }

  #innerCommand(
    inner: Inner,
    program: string,
    redirects: readonly Redirect[],
    scope: Scope,
    via: Via,
  ): void {
    if (inner.kind === 'text') {
      this.#text(inner.text, scope)
      return
    }
    const network = redirects.filter((redirect) => redirect.target.value.startsWith('/dev/'))
    const isXargs = program === 'xargs'
    const fills = inner.words.some((word) => !word.exact && word.value.includes('{}'))
    const appends = inner.appends || isXargs || (via.appends && fills)
    this.#command(
      inner.words,
      undefined,
      inner.assignments,
      network.length > 0 ? network : noRedirects,
      scope,
      {
        ...via,
        appends,
        isXargs,
      },
    )
  }

  /** Shell text inside an argument: parsed and judged; it never lowers anything. */
  #text(text: string, scope: Scope): void {
    if (text.trim() === '') return
    this.#textLeft -= text.length
    if (scope.depth > 8 || this.#textLeft < 0) {
      this.add(shorten(text), review('too-deep', 'shell text nested too deep to judge'))
      return
    }
    const parsed = parseCommand(text)
    if (parsed.faults.length > 0)
      this.add(text, review('parse-error', parsed.faults[0] ?? 'not a command'))
    if (parsed.root) {
      this.#node(parsed.root, {
        ...copyOf(scope),
        depth: scope.depth + 1,
        upstream: undefined,
        pipeline: [],
      })
    }
  }

  #interpreter(
    program: string,
    words: readonly ResolvedWord[],
    input: string | undefined,
    scope: Scope,
    findings: Finding[],
  ): void {
    const isShell = this.#policy.shells.has(program)
    const readsInput =
      words.slice(1).every(({ value }) => value.startsWith('-')) ||
      hasFlag(
        words.slice(1).map(({ value }) => value),
        ['-s'],
      )
    if (!readsInput) return
    if (isShell && input !== undefined) this.#text(input, scope)
    if (scope.pipeline.length === 0) return
    const fromNetwork = scope.pipeline.find((name) => this.#policy.network.has(name))
    const decoder = scope.pipeline.find((name) => this.#policy.decoders.has(name))
    if (isShell && (fromNetwork ?? decoder) !== undefined) {
      findings.push({
        level: 'BLOCKED',
        rule: fromNetwork === undefined ? 'decoded-code' : 'network-code',
        reason: `runs what ${fromNetwork ?? decoder} gives it as code, unseen`,
        suggestion: 'store it in a file, look at it, and ask for that file to be run',
      })
    } else findings.push(review('piped-code', `${program} runs what it reads`))
  }

  #read(program: string, words: readonly ResolvedWord[]): Reading | undefined {
    const forms = this.#policy.programs.get(program)
    return forms ? readForms(forms, words) : undefined
  }

  #shape(
    program: string,
    args: readonly string[],
    input: string | undefined,
    isProse: (index: number) => boolean,
    scope: Scope,
  ): Shape {
    return { program, args, input, isProse, pathOf: (argument) => resolvePath(argument, scope.cwd) }
  }

  #dangers(
    program: string,
    words: readonly ResolvedWord[],
    reading: Reading | undefined,
    input: string | undefined,
    scope: Scope,
    findings: Finding[],
    source: SimpleCommand | undefined,
  ): void {
    const args = words.slice(1).map(({ value }) => value)
    const isReading = reading !== undefined && reading.refusal === undefined
    const isProse = this.#proseOf(program, args, reading)
    const isHelp = args.length === 1 && /^--(?:help|version)$/.test(args[0] ?? '')
    if (isHelp && this.#policy.versions.has(program)) return
    if (!isReading) {
      const shape = this.#shape(program, args, input, isProse, scope)
      const rule = isHelp ? undefined : this.#policy.blocked.find(shape, this.#paths)
      if (rule) {
        findings.push({
          level: 'BLOCKED',
          rule: rule.id,
          reason: rule.reason,
          suggestion: rule.suggestion,
        })
        if (rule.risk > 0) this.risks.push({ name: rule.id, points: rule.risk })
      }
      const reviewed = this.#policy.review.find(shape, this.#paths)
      if (reviewed) {
        findings.push({
          level: 'REVIEW',
          rule: reviewed.id,
          reason: reviewed.reason,
          suggestion: reviewed.suggestion,
        })
        if (reviewed.risk > 0) this.risks.push({ name: reviewed.id, points: reviewed.risk })
      }
    }
    const masked = [
      program,
      ...args.map((arg, index) => (isProse(index) ? '…' : quoteIfNeeded(arg))),
    ].join(' ')
    if (source) this.#patternText.set(source, masked)
    const blocked = this.#policy.blockedPatterns.find(program, masked)
    if (blocked) findings.push(patternFinding('BLOCKED', blocked.id, blocked.source))
    const reviewed = this.#policy.reviewPatterns.find(program, masked)
    if (reviewed) findings.push(patternFinding('REVIEW', reviewed.id, reviewed.source))
  }

  #proseOf(
    program: string,
    args: readonly string[],
    reading: Reading | undefined,
  ): (index: number) => boolean {
    const roles = reading?.refusal === undefined ? reading?.roles : undefined
    if (roles && roles.length > 0) {
      return (index) => roles[index + 1] === 'data' || roles[index + 1] === 'value'
    }
    const prose = this.#policy.prose.get(program)
    if (!prose) return () => false
    return (index) =>
      prose.test(args[index - 1] ?? '') ||
      (/^--?[\w-]+=/.test(args[index] ?? '') &&
        prose.test((args[index] ?? '').split('=', 1)[0] ?? ''))
  }

  #secrecyIn(scope: Scope): (path: string) => boolean {
    return (path) => this.#secrecyOf(path, /[*?[]/.test(path), scope) !== undefined
  }

  #secrecyOf(value: string, glob: boolean, scope: Scope): 'secret' | 'private' | undefined {
    const path = resolvePath(value, scope.cwd)
    if (!glob) return this.#paths.secrecy(path)
    const below = value.startsWith('/')
      ? undefined
      : this.#paths.secrecyOfPattern(resolvePath(value, undefined))
    return below ?? this.#paths.secrecyOfPattern(path)
  }

  #secrets(
    program: string,
    words: readonly ResolvedWord[],
    reading: Reading | undefined,
    scope: Scope,
    findings: Finding[],
  ): void {
    const roles = reading?.roles ?? []
    const isProse = this.#proseOf(
      program,
      words.slice(1).map(({ value }) => value),
      reading,
    )
    for (let at = 1; at < words.length; at += 1) {
      const word = words[at]
      if (!word) continue
      if (word.secret !== undefined) findings.push(secretVariable(word.secret, program))
      const role = roles[at]
      if (
        role === 'data' &&
        reading?.form.operands === 'pattern' &&
        this.#paths.isHunt(word.value)
      ) {
        findings.push(review('hunt', 'searches for credentials'))
      }
      if (
        role === 'data' ||
        role === 'operand' ||
        (role === 'value' && !looksLikePath(word)) ||
        isProse(at - 1)
      )
        continue
      for (const candidate of candidatesOf(word.value)) {
        const secrecy = this.#secrecyOf(candidate, word.glob, scope)
        if (secrecy === undefined) continue
        const isNamed = role === 'name' || this.#policy.keyUsers.has(program)
        const isKeyOption = /^-[iI]$/.test(words[at - 1]?.value ?? '')
        if (secrecy === 'secret' && !isNamed && !isKeyOption)
          findings.push(secretFinding(candidate))
        else if (secrecy === 'secret' || role !== 'name') findings.push(privateFinding(candidate))
      }
    }
    if (reading?.refusal === undefined && reading?.form.operands === 'pattern') {
      this.#wideSearch(program, words, reading, scope, findings)
    }
  }

  /** A search by content through a whole home directory or system finds credentials whatever it looks for. */
  #wideSearch(
    program: string,
    words: readonly ResolvedWord[],
    { roles }: Reading,
    scope: Scope,
    findings: Finding[],
  ): void {
    const args = words.slice(1).map(({ value }) => value)
    const isRecursive =
      /^(?:rg|ag)$/.test(program) ||
      hasFlag(args, ['-r', '-R', '--recursive', '--dereference-recursive'])
    if (!isRecursive) return
    const roots = words.filter((_, at) => roles[at] === 'path').map(({ value }) => value)
    for (const root of roots.length > 0 ? roots : ['.']) {
      if (this.#paths.isWide(resolvePath(root, scope.cwd))) {
        findings.push(review('wide-search', `searches the content of everything below ${root}`))
      }
    }
  }

  #readingVerdict(
    program: { name: string; trusted: boolean },
    words: readonly ResolvedWord[],
    reading: Reading | undefined,
    source: SimpleCommand | undefined,
    scope: Scope,
    via: Via,
    text: string,
    hasRedirects: boolean,
  ): Finding {
    if (!program.trusted) return unknown(text)
    const venv = this.#venvOf(program.name, words, source, scope, hasRedirects)
    if (venv) return venv
    if (
      words.length === 2 &&
      this.#policy.versions.has(program.name) &&
      /^--(?:version|help)$/.test(words[1]?.value ?? '') &&
      words[1]?.exact
    ) {
      return safe('version', 'only tells its version or its options')
    }
    if (!reading) return this.#vouched(program.name, words, text, via)
    if (reading.refusal !== undefined) {
      return review(reading.form.id, reading.refusal, reading.form.suggestion)
    }
    if (
      this.#policy.knownPrograms === 'vouch' &&
      !this.#policy.safePatterns.find(program.name, describeWords(words))
    ) {
      return review('unknown', `no rule says that ${program.name} is safe`)
    }
    if (scope.isLost && readsRelative(reading, words)) {
      return review('lost', 'reads a file below a directory that is only known when it runs')
    }
    if (via.appends) {
      const refusal = refuseAppended(reading.form, via)
      if (refusal !== undefined) return review('appended', refusal)
    }
    this.#follow(program.name, words, reading, scope)
    return safe(reading.form.id, `${reading.form.id} in this form only reads`)
  }

  /** A program that no table knows: only a seed-style pattern can vouch for it, and only in plain form. */
  #vouched(program: string, words: readonly ResolvedWord[], text: string, via: Via): Finding {
    const plain = words.every((word) => word.exact && word.opaque === undefined)
    if (!plain || via.appends) return unknown(text)
    const pattern = this.#policy.safePatterns.find(program, describeWords(words))
    return pattern ? patternFinding('SAFE', pattern.id, pattern.source) : unknown(program)
  }

  #venvOf(
    program: string,
    words: readonly ResolvedWord[],
    source: SimpleCommand | undefined,
    scope: Scope,
    hasRedirects: boolean,
  ): Finding | undefined {
    if ((program !== 'source' && program !== '.') || words.length !== 2 || hasRedirects)
      return undefined
    const root = venvActivate.exec(words[1]?.value ?? '')?.[1]
    if (root === undefined || !words[1]?.exact || !source || scope.pipeline.length > 0)
      return undefined
    if (
      this.#policy.knownPrograms === 'vouch' &&
      !this.#policy.safePatterns.find(program, describeWords(words))
    )
      return undefined
    this.venv = scope.cwd === undefined ? root : resolvePath(root, scope.cwd)
    this.replaced.add(source)
    return safe('venv', 'the hub applies the virtual environment itself; the file is not run')
  }

  /** What a command that was found to read changes for those after it. */
  #follow(program: string, words: readonly ResolvedWord[], reading: Reading, scope: Scope): void {
    if (program === 'cd') {
      const target = words.findLast((word, at) => at > 0 && !/^-[LPe@]+$/.test(word.value))
      if (target === undefined) scope.cwd = this.#home
      else if (target.exact && target.value !== '-') {
        scope.cwd = resolvePath(target.value, scope.cwd)
      } else {
        scope.cwd = undefined
        scope.isLost = true
      }
    }
    if (reading.form.harden === 'git') this.hardensGit = true
    if (reading.form.env) Object.assign(this.env, reading.form.env)
    const before = words[reading.addAt - 1]
    if (reading.form.add.length > 0 && before) this.additions.set(before.word, reading.form.add)
  }

  #wholeText(root: Compound): void {
    const text = maskedText(root, this.#patternText)
    const blocked = this.#policy.blockedPatterns.find('', text)
    if (blocked) this.add(text, patternFinding('BLOCKED', blocked.id, blocked.source))
  }

  #settle(text: string, findings: readonly Finding[], verdict: Finding): void {
    let worst = verdict
    for (const finding of findings) if (isStricter(finding.level, worst.level)) worst = finding
    // Of equals, what a rule found says more than that no rule knows the program.
    if (worst === verdict && verdict.level === 'REVIEW') {
      worst = findings.find((finding) => finding.level === 'REVIEW') ?? verdict
    }
    this.add(text, worst)
  }
}

const noRedirects: readonly Redirect[] = []

const noLookups: Lookups = {
  home: undefined,
  cwd: undefined,
  assigned: new Map(),
  isKnown: () => false,
  isSecret: () => false,
}

const compoundReasons: Readonly<Partial<Record<Compound['kind'], string>>> = {
  background: 'leaves a process running in the background',
  function: 'defines a function',
  case: 'chooses by a pattern',
  select: 'waits for an answer',
  coproc: 'starts a process in the background',
  arithmetic: 'evaluates arithmetic',
  test: 'a test that bash evaluates',
  for: 'an arithmetic loop',
}

function newScope(cwd: string | undefined): Scope {
  return {
    cwd,
    isLost: false,
    assigned: new Map(),
    functions: new Set(),
    upstream: undefined,
    pipeline: [],
    depth: 0,
  }
}

function copyOf(scope: Scope): Scope {
  return { ...scope }
}

export function isStricter(level: TrustLevel, than: TrustLevel): boolean {
  return rank[level] > rank[than]
}

const rank: Readonly<Record<TrustLevel, number>> = { SAFE: 0, REVIEW: 1, BLOCKED: 2 }

function review(rule: string, reason: string, suggestion?: string): Finding {
  return { level: 'REVIEW', rule, reason, suggestion }
}

function safe(rule: string, reason: string): Finding {
  return { level: 'SAFE', rule, reason }
}

function unknown(program: string): Finding {
  return review('unknown', `no rule says that ${program} is safe`)
}

function patternFinding(level: TrustLevel, id: string, source: string): Finding {
  return { level, rule: id, reason: `matches the ${level} pattern ${source}` }
}

function secretFinding(path: string): Finding {
  return { level: 'BLOCKED', rule: 'credentials', reason: `${path} holds credentials` }
}

function privateFinding(path: string): Finding {
  return review('private-file', `${path} may hold secrets`)
}

function secretVariable(name: string, program = ''): Finding {
  const prints = program === 'echo' || program === 'printf'
  const reason = `$${name} looks like a secret by its name`
  return prints
    ? { level: 'BLOCKED', rule: 'secret-variable', reason }
    : review('secret-variable', reason)
}

function environmentFinding(name: string, level: 'REVIEW' | 'BLOCKED'): Finding {
  const reason =
    level === 'BLOCKED'
      ? `${name} loads code into programs`
      : `${name} can change what a program does`
  return { level, rule: 'environment', reason }
}

function readsRelative({ form, roles }: Reading, words: readonly ResolvedWord[]): boolean {
  if (form.operands !== 'paths' && form.operands !== 'pattern') return false
  return words.some(({ value }, at) => at > 0 && roles[at] === 'path' && !value.startsWith('/'))
}

function refuseAppended(form: Form, via: Via): string | undefined {
  if (via.isXargs && !form.globs && form.operands !== 'data')
    return 'a name that xargs adds could turn out to be an option'
  if ((form.operands === 'paths' || form.operands === 'pattern') && !via.contained) {
    return 'reads files whose names are only known when it runs'
  }
  return undefined
}

function looksLikePath({ value, word }: ResolvedWord): boolean {
  return /^[/.]/.test(value) || word.pieces?.[0]?.kind === 'tilde'
}

/** A word and what may be a path inside it: after `=`, after `@`, after an attached option letter. */
function candidatesOf(value: string): string[] {
  const isOption = value.startsWith('-')
  if (!isOption && !/[=@:]/.test(value)) return [value]
  const candidates = isOption ? [] : [value]
  const slash = value.indexOf('/')
  if (isOption && slash > 0) candidates.push(value.slice(slash))
  for (const match of value.slice(0, 256).matchAll(/[=@:]/g)) {
    if (candidates.length > 4) break
    candidates.push(value.slice(match.index + 1))
  }
  return candidates
}

/** The words of an inner command; the whole command tells them all. */
function describeSome(words: readonly ResolvedWord[]): string {
  if (words.length <= mostUnits) return describeWords(words)
  return `${describeWords(words.slice(0, mostUnits))} …`
}

function describeWords(words: readonly ResolvedWord[]): string {
  return words.map(({ word }) => describeWord(word)).join(' ')
}

function describeShort(node: CommandNode): string {
  return shorten(describe(node))
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}

function programsOf(node: CommandNode): string[] {
  if (node.kind === 'simple') {
    return node.words.map((word) => word.value.slice(word.value.lastIndexOf('/') + 1)).slice(0, 4)
  }
  return node.shape.filter(isNodePart).flatMap(programsOf)
}

function isNodePart(part: string | Word | CommandNode): part is CommandNode {
  return isNode(part)
}

function maskedText(node: CommandNode, texts: ReadonlyMap<SimpleCommand, string>): string {
  if (node.kind === 'simple') return texts.get(node) ?? describe(node)
  return node.shape
    .map((part) => {
      if (typeof part === 'string') return part
      return isNode(part) ? maskedText(part, texts) : '…'
    })
    .join('')
}

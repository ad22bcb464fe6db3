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
import {
  describeShort,
  describeSome,
  describeWords,
  isNodePart,
  maskedText,
  programsOf,
  shorten,
} from './command-text.ts'
import { containedProducer, inputOf } from './data-flow.ts'
import { hasFlag } from './danger-rules.ts'
import type { Finding } from './findings.ts'
import {
  environmentFinding,
  isStricter,
  patternFinding,
  review,
  safe,
  secretVariable,
  unknown,
} from './findings.ts'
import type { Points } from './judge-dangers.ts'
import { guessProgram, judgeDangers, shapeOf } from './judge-dangers.ts'
import { judgeReading } from './judge-reading.ts'
import { judgeRedirects } from './judge-redirects.ts'
import { judgeSecrets, secrecyOf } from './judge-secrets.ts'
import { once } from './once.ts'
import { parseCommand } from './parse-command.ts'
import { resolvePath } from './paths.ts'
import type { Policy } from './policy.ts'
import { describe, describeWord } from './print-command.ts'
import type { Reading } from './program-rules.ts'
import { readForms } from './program-rules.ts'
import type { Lookups, ResolvedWord } from './resolve-words.ts'
import { resolveWord, scriptsOf } from './resolve-words.ts'
import type { Grounds, Scope, Via } from './scope.ts'
import { copyOf, direct, newScope } from './scope.ts'
import type { Inner, Unwrapped } from './unwrap.ts'
import { unwrap, unwrapFind } from './unwrap.ts'

const mostUnits = 200
const mostWrappers = 8
/** Characters of shell text inside arguments that are parsed for one command. */
const mostInnerText = 32_768
const trustedDirectory = /^\/(?:usr\/local\/|usr\/)?s?bin\/([^/]+)$/
const venvActivate = /^(?:\.\/)?(\.venv|venv)\/bin\/activate$/

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
  readonly risks: Points[] = []
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
  readonly #overflown = new Set<string>()
  readonly #grounds: Grounds
  readonly #patternText = new Map<SimpleCommand, string>()

  constructor(policy: Policy, home: string | undefined, protectedPaths: readonly string[]) {
    this.#grounds = { policy, paths: policy.paths(home), home, protectedPaths }
  }

  /** Judges a whole parsed command. */
  run(root: CommandNode, cwd: string | undefined): void {
    const scope = newScope(cwd)
    this.#node(root, scope)
    if (root.kind !== 'simple') this.#wholeText(root)
  }

  /** Adds a verdict that no single command carries. */
  add(text: string, finding: Finding): void {
    if (this.#isFull(finding.level)) return
    this.units.push({
      text,
      level: finding.level,
      rule: finding.rule,
      reason: finding.reason,
      ...(finding.suggestion !== undefined && { suggestion: finding.suggestion }),
    })
    if (isStricter(finding.level, this.level)) this.level = finding.level
  }

  /** Far past the cap only what is stricter than all before is kept. */
  #isFull(level: TrustLevel): boolean {
    return this.units.length >= mostUnits * 2 && !isStricter(level, this.level)
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
    judgeRedirects(
      node.redirects,
      (word) => this.#resolve(word, scope),
      scope,
      '',
      this.#grounds,
      findings,
    )
    if (!node.reproducible)
      findings.push(review('compound', compoundReasons[node.kind] ?? `a ${node.kind}`))
    for (const finding of findings)
      if (!this.#isFull(finding.level)) this.add(describeShort(node), finding)
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
      home: this.#grounds.home,
      cwd: scope.cwd,
      assigned: scope.assigned,
      isKnown: (name) =>
        this.#grounds.policy.environment.isKnown(name) && !scope.assigned.has(name),
      isSecret: (name) => this.#grounds.policy.environment.isSecret(name),
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
    if (redirects.length > 0)
      judgeRedirects(
        redirects,
        (word) => this.#resolve(word, scope),
        scope,
        program.name,
        this.#grounds,
        findings,
      )
    if (this.units.length >= mostUnits) {
      this.#overflow(program.name, words, redirects, scope, via, findings)
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
      guessProgram(words, scope, this.#grounds, findings)
      this.#settle(text, findings, unknown(text))
      return
    }
    const inner = this.#inner(program.name, words)
    const reading = inner ? undefined : this.#read(program.name, words)
    const masked = judgeDangers(
      program.name,
      words,
      reading,
      input,
      scope,
      this.#grounds,
      findings,
      this.risks,
    )
    if (source) this.#patternText.set(source, masked)
    const innerLength =
      inner?.inner.reduce(
        (most, each) => (each.kind === 'words' ? Math.max(most, each.words.length) : most),
        0,
      ) ?? 0
    const own =
      innerLength > 0 && program.name !== 'find'
        ? words.slice(0, words.length - innerLength)
        : words
    judgeSecrets(program.name, own, reading, scope, this.#grounds, findings)
    if (
      this.#grounds.policy.shells.has(program.name) ||
      this.#grounds.policy.interpreters.has(program.name)
    ) {
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
    via: Via,
    findings: Finding[],
  ): void {
    if (this.units.length === mostUnits) {
      this.add('…', review('too-many', `more than ${mostUnits} commands in one`))
    }
    // Past the cap most texts repeat themselves; a command is looked at once.
    const key = `${scope.cwd ?? ''}\0${words.map(({ value }) => value).join('\0')}`
    if (redirects.length === 0 && this.#overflown.has(key)) return
    this.#overflown.add(key)
    if (program !== '') {
      const args = words.slice(1).map(({ value }) => value)
      const shape = shapeOf(program, args, inputOf(redirects, undefined), () => false, scope)
      const rule = this.#grounds.policy.blocked.find(shape, this.#grounds.paths)
      if (rule) findings.push({ level: 'BLOCKED', rule: rule.id, reason: rule.reason })
      judgeSecrets(program, words, undefined, scope, this.#grounds, findings)
    }
    const worst = findings.find(({ level }) => level === 'BLOCKED')
    if (worst && this.units.length < mostUnits * 2) this.add(shorten(describeSome(words)), worst)
    if (via.layers >= mostWrappers) return
    const inner = program === '' ? undefined : this.#inner(program, words)
    for (const each of inner?.inner ?? []) {
      if (each.kind === 'words' && each.words.length < words.length) {
        const layers = via.layers + 1
        this.#command(each.words, undefined, [], noRedirects, scope, { ...direct, layers })
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

  #assignments(
    assignments: readonly Assignment[],
    bare: boolean,
    scope: Scope,
    findings: Finding[],
  ): void {
    for (const { name, value, plain } of assignments) {
      const resolved = this.#resolve(value, scope)
      const verdict =
        resolved.exact && plain
          ? this.#grounds.policy.environment.judge(name, resolved.value)
          : 'review'
      const worst =
        this.#grounds.policy.environment.judge(name, '') === 'blocked' ? 'blocked' : verdict
      if (worst === 'blocked') findings.push(environmentFinding(name, 'BLOCKED'))
      else if (worst === 'review') findings.push(environmentFinding(name, 'REVIEW'))
      if (bare) {
        scope.assigned.set(name, resolved.value)
        findings.push(review('assignment', `sets ${name} for what follows`))
      }
    }
  }

  #inner(program: string, words: readonly ResolvedWord[]): Unwrapped | undefined {
    if (words.length === 2 && /^--(?:help|version)$/.test(words[1]?.value ?? '')) return undefined
    if (words.length === 2 && this.#read(program, words)?.form.id === 'version') return undefined
    if (program === 'find' || program === 'gfind') {
      const inner = unwrapFind(words)
      return inner.length > 0 ? { floor: 'safe', reason: undefined, inner } : undefined
    }
    for (const wrapper of this.#grounds.policy.wrappers.get(program) ?? []) {
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
        level: this.#grounds.policy.sudo === 'blocked' ? 'BLOCKED' : 'REVIEW',
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
    const isSecret = (path: string): boolean =>
      secrecyOf(path, /[*?[]/.test(path), scope, this.#grounds) !== undefined
    const here = resolvePath('.', scope.cwd)
    const contained = once(() => {
      const isApart = !scope.isLost && !isSecret('.') && !this.#grounds.paths.isWide(here)
      return isApart && containedProducer(isFind ? words : scope.upstream, isSecret)
    })
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
    // What the inner command reads, and where it connects, is its own matter; the rest was judged already.
    const own = redirects.filter(
      ({ operator, target }) => operator.startsWith('<<') || target.value.startsWith('/dev/'),
    )
    const isXargs = program === 'xargs'
    const fills = inner.words.some((word) => !word.exact && word.value.includes('{}'))
    const appends = inner.appends || isXargs || (via.appends && fills)
    this.#command(inner.words, undefined, inner.assignments, own, scope, {
      ...via,
      appends,
      isXargs,
    })
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
    const isShell = this.#grounds.policy.shells.has(program)
    const readsInput =
      words.slice(1).every(({ value }) => value.startsWith('-')) ||
      hasFlag(
        words.slice(1).map(({ value }) => value),
        ['-s'],
      )
    if (!readsInput) return
    if (isShell && input !== undefined) this.#text(input, scope)
    if (scope.pipeline.length === 0) return
    const fromNetwork = scope.pipeline.find((name) => this.#grounds.policy.network.has(name))
    const decoder = scope.pipeline.find((name) => this.#grounds.policy.decoders.has(name))
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
    const forms = this.#grounds.policy.programs.get(program)
    return forms ? readForms(forms, words) : undefined
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
    const verdict = judgeReading(program.name, words, reading, scope, via, this.#grounds, text)
    if (verdict.level === 'SAFE' && reading) this.#follow(program.name, words, reading, scope)
    return verdict
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
      this.#grounds.policy.knownPrograms === 'vouch' &&
      !this.#grounds.policy.safePatterns.find(program, describeWords(words))
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
      if (target === undefined) scope.cwd = this.#grounds.home
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
    const blocked = this.#grounds.policy.blockedPatterns.find('', text)
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

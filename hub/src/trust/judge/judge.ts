import type { Part } from '@centralpost/shared'
import type {
  Assignment,
  CommandNode,
  Compound,
  Redirect,
  SimpleCommand,
  Word,
} from '../shell/command-tree.ts'
import { isNode } from '../shell/command-tree.ts'
import { describeShort, describeSome, maskedText, shorten } from '../shell/command-text.ts'
import { inputOf, passesLines } from './data-flow.ts'
import type { Finding } from './findings.ts'
import { patternFinding, review, safe, secretVariable, unknown } from './findings.ts'
import type { Allowance } from './fork-bomb.ts'
import { startsItself } from './fork-bomb.ts'
import type { Points } from './judge-dangers.ts'
import { guessProgram, judgeBlocked, judgeDangers } from './judge-dangers.ts'
import { judgeAdded } from './added-words.ts'
import { judgeReading, readProgram } from './judge-reading.ts'
import { judgeAssignments } from './judge-assignments.ts'
import { feedersOf, isTelling, judgeInterpreter } from './judge-interpreter.ts'
import { programOf } from './judge-program.ts'
import { containment, innerOf, judgeWrapper, mostWrappers, ownWords } from './judge-wrapper.ts'
import { activatedVenv, changeDirectory, innerScope } from './directories.ts'
import { judgeMixtures } from './judge-mixtures.ts'
import { type Loop, loopOf } from '../shell/loops.ts'
import { judgeRedirects } from './judge-redirects.ts'
import { judgeSecrets, proseOf } from './judge-secrets.ts'
import type { BraceAllowance } from '../shell/lower-words.ts'
import { mostFromBraces, parseCommand } from '../shell/parse-command.ts'
import { Shape } from '../rules/command-shape.ts'
import type { Policy } from '../rules/policy.ts'
import { describe, describeWord } from '../shell/print-command.ts'
import type { Reading } from '../rules/program-rules.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import { fixed, resolveWord, scriptsOf } from '../shell/resolve-words.ts'
import type { Grounds, Scope, Via } from './scope.ts'
import { copyOf, direct, lookupsAt, newScope } from './scope.ts'
import { mostUnits, Units } from './units.ts'
import { Subject } from '../rules/string-patterns.ts'
import type { Unwrapped, Inner } from '../rules/unwrapped.ts'

/** Parts of functions that are looked through for fork bombs. */
const mostFunctionParts = 20_000
/** Characters of shell text inside arguments that are parsed for one command. */
const mostInnerText = 32_768

/** Words of a risk assessment, gathered while judging. */
export interface JudgedWords {
  readonly program: string
  readonly args: readonly string[]
  readonly input: string | undefined
}

/** Judges the parts of one command; each unit is kept with the rule that decided it. */
export class Judge extends Units {
  readonly words: JudgedWords[] = []
  /** The files read, in order. */
  readonly parts: Part[] = []
  readonly risks: Points[] = []
  /** Options that the plan puts after a word. */
  readonly additions = new Map<Word, readonly string[]>()
  /** Commands that the plan replaces by `true`, because the hub does their work itself. */
  readonly replaced = new Set<SimpleCommand>()
  /** Variables that the plan sets. */
  readonly env: Record<string, string> = {}
  venv: string | undefined
  hardensGit = false
  #textLeft = mostInnerText
  readonly #functionParts: Allowance = { left: mostFunctionParts }
  #feedersOf: Map<CommandNode, readonly string[]> | undefined
  readonly #braces: BraceAllowance = { left: mostFromBraces }
  #overflown: Set<string> | undefined
  readonly #grounds: Grounds
  /** The text of a compound's parts for patterns, matched together at the end. */
  #patternText: Map<SimpleCommand, string> | undefined

  constructor(policy: Policy, home: string | undefined, protectedPaths: readonly string[]) {
    super()
    this.#grounds = { policy, paths: policy.paths(home), home, protectedPaths, harmless: undefined }
  }

  /** The basis of the judgement, for further judges. */
  get grounds(): Grounds {
    return this.#grounds
  }

  /** Judges a whole parsed command. */
  run(root: CommandNode, cwd: string | undefined): void {
    const scope = newScope(cwd)
    if (root.kind === 'simple') {
      this.#simple(root, scope)
      return
    }
    this.#patternText = new Map()
    this.#compound(root, scope)
    this.#wholeText(root, this.#patternText)
    const mixture = judgeMixtures(this.parts, this.venv, this.hardensGit, this.#grounds.policy)
    if (mixture) this.add(describeShort(root), mixture)
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
      const loop = loopOf(node, (word) => this.#resolve(word, scope))
      for (const part of node.shape) {
        if (typeof part === 'string') continue
        if (!isNode(part)) this.#looseWord(part, inner)
        else if (loop) this.#loop(part, loop, inner)
        else this.#node(part, inner)
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
      if (!this.isFull(finding.level)) this.add(describeShort(node), finding)
  }

  /** The body of a loop once for each value, one turn after the other, as it runs. */
  #loop(body: CommandNode, { name, values }: Loop, scope: Scope): void {
    for (const value of values) {
      scope.looped.set(name, value)
      this.onceEach(() => this.#node(body, scope))
    }
    scope.looped.delete(name)
  }

  #pipeline(node: Compound, scope: Scope): void {
    const pipeline: string[] = []
    let upstream: readonly ResolvedWord[] | undefined
    for (const part of node.shape) {
      if (typeof part === 'string' || !isNode(part)) continue
      const stage = { ...scope, upstream, pipeline }
      this.#node(part, stage)
      upstream = this.#producerOf(part, upstream, scope)
      const { policy } = this.#grounds
      this.#feedersOf ??= new Map()
      for (const feeder of feedersOf(part, policy, this.#feedersOf)) {
        const isNew = isTelling(feeder, policy) && !pipeline.includes(feeder)
        if (pipeline.length === 0 || isNew) pipeline.push(feeder)
      }
    }
  }

  /** The command whose lines the next stage reads. */
  #producerOf(
    part: CommandNode,
    before: readonly ResolvedWord[] | undefined,
    scope: Scope,
  ): readonly ResolvedWord[] | undefined {
    if (part.kind !== 'simple') return undefined
    const words = part.words.map((word) => this.#resolve(word, scope))
    const isFiltered = before && part.redirects.length === 0 && passesLines(words)
    return isFiltered && !/^(?:echo|printf)$/.test(before[0]?.value ?? '') ? before : words
  }

  #function(node: Compound, scope: Scope): void {
    const name = node.name ?? ''
    scope.functions.add(name)
    if (startsItself(node, name, this.#functionParts)) {
      this.add(describeShort(node), {
        level: 'BLOCKED',
        rule: 'fork-bomb',
        reason: `the function ${name} starts itself without end`,
      })
    }
  }

  /** A word of `for`, `case`, `[[ ]]` or `(( ))`. */
  #looseWord(word: Word, scope: Scope): void {
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
    return word.pieces ? resolveWord(word, lookupsAt(scope, this.#grounds)) : fixed(word)
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
    const program = programOf(words, scope, findings)
    judgeAssignments(
      assignments,
      words.length === 0,
      (word) => this.#resolve(word, scope),
      scope,
      this.#grounds,
      findings,
    )
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
      this.#note('', words, redirects, scope, via, undefined)
      if (assignments.length === 0 && redirects.length === 0) {
        findings.push(review('no-command', 'holds no command'))
      }
      this.settle(text, findings, { level: 'SAFE', rule: 'empty', reason: 'runs nothing' })
      return
    }
    const input = inputOf(redirects, scope.upstream)
    const args = words.slice(1).map(({ value }) => value)
    this.words.push({ program: program.name, args, input })
    if (program.name === '') {
      this.#note('', words, redirects, scope, via, undefined)
      guessProgram(words, scope, this.#grounds, findings)
      this.settle(text, findings, unknown(text))
      return
    }
    const inner = innerOf(program.name, words, this.#grounds)
    const reading = inner ? undefined : readProgram(program.name, words, this.#grounds)
    this.#note(program.name, words, redirects, scope, via, inner ?? reading)
    const isProse = proseOf(this.#grounds.policy, program.name, args, reading)
    const shape = new Shape(program.name, args, input, isProse, scope.cwd)
    const masked = judgeDangers(shape, reading, this.#grounds, findings, this.risks)
    if (source) this.#patternText?.set(source, masked)
    const own = ownWords(program.name, words, inner)
    judgeSecrets(program.name, own, reading, isProse, scope, this.#grounds, findings)
    if (
      this.#grounds.policy.shells.has(program.name) ||
      this.#grounds.policy.interpreters.has(program.name)
    ) {
      const code = judgeInterpreter(program.name, words, input, scope, this.#grounds, findings)
      if (code !== undefined) this.#text(code, scope)
    }
    if (inner) {
      this.#wrapped(inner, program.name, words, redirects, scope, via, findings, text)
      return
    }
    // A REVIEW finding; the command behind it still runs.
    if (program.name === 'pushd') changeDirectory(words, scope, this.#grounds)
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
    this.settle(text, findings, verdict)
  }

  #note(
    program: string,
    words: readonly ResolvedWord[],
    redirects: readonly Redirect[],
    scope: Scope,
    via: Via,
    how: Unwrapped | Reading | undefined,
  ): void {
    this.parts.push({
      program,
      words,
      roles: how && 'roles' in how ? how.roles : [],
      redirects: redirects.map(({ operator, target }) => ({
        operator,
        target: this.#resolve(target, scope),
      })),
      cwd: scope.isLost ? undefined : scope.cwd,
      isAppended: via.added !== undefined,
      isWrapper: how !== undefined && 'inner' in how,
    })
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
    this.#grounds.harmless ??= new Map()
    // Past the cap most texts repeat themselves; a command is looked at once.
    const key = `${scope.cwd ?? ''}\0${words.map(({ value }) => value).join('\0')}`
    const isShell = this.#grounds.policy.shells.has(program)
    this.#overflown ??= new Set()
    if (redirects.length === 0 && !isShell && this.#overflown.has(key)) return
    this.#overflown.add(key)
    if (program !== '') {
      judgeBlocked(program, words, inputOf(redirects, undefined), scope, this.#grounds, findings)
      const args = words.slice(1).map(({ value }) => value)
      const isProse = proseOf(this.#grounds.policy, program, args, undefined)
      judgeSecrets(program, words, undefined, isProse, scope, this.#grounds, findings)
    }
    if (isShell) {
      const input = inputOf(redirects, scope.upstream)
      const code = judgeInterpreter(program, words, input, scope, this.#grounds, findings)
      if (code !== undefined) this.#text(code, scope)
    }
    const worst = findings.find(({ level }) => level === 'BLOCKED')
    if (worst && !this.isFull(worst.level)) this.add(shorten(describeSome(words)), worst)
    if (via.layers >= mostWrappers) return
    const inner = program === '' ? undefined : innerOf(program, words, this.#grounds)
    for (const each of inner?.inner ?? []) {
      if (each.kind === 'words' && each.words.length < words.length) {
        const layers = via.layers + 1
        this.#command(each.words, undefined, [], noRedirects, scope, { ...direct, layers })
      } else if (each.kind === 'text') this.#text(each.text, scope)
    }
  }

  #wrapped(
    unwrapped: Unwrapped,
    program: string,
    words: readonly ResolvedWord[],
    redirects: readonly Redirect[],
    scope: Scope,
    via: Via,
    findings: Finding[],
    text: string,
  ): void {
    this.#grounds.harmless ??= new Map()
    const own = judgeWrapper(unwrapped, program, words, via, this.#grounds, findings)
    if (own.length > 0) this.settle(text, own, { level: 'SAFE', rule: 'wrapper', reason: '' })
    if (via.layers >= mostWrappers) return
    // A wrapper between knows nothing of the names: what adds them, does.
    const adds = unwrapped.inner.some((inner) => inner.kind === 'words' && inner.added)
    const contained = adds ? containment(program, words, scope, this.#grounds) : via.contained
    const layers = via.layers + 1
    const strips = via.strips || unwrapped.strips === true
    const there = innerScope(unwrapped, scope, this.#grounds)
    for (const each of unwrapped.inner)
      this.#innerCommand(each, redirects, there, { ...via, layers, strips, contained })
  }

  #innerCommand(inner: Inner, redirects: readonly Redirect[], scope: Scope, via: Via): void {
    if (inner.kind === 'text') {
      this.#text(inner.text, scope)
      return
    }
    // The inner command's input and connections are judged with it; the rest was judged already.
    const own = redirects.filter(
      ({ operator, target }) => operator.startsWith('<<') || target.value.startsWith('/dev/'),
    )
    this.#command(inner.words, undefined, inner.assignments, own, scope, {
      ...via,
      added: inner.added ?? via.added,
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
    const parsed = parseCommand(text, this.#braces)
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
    const venv =
      source && !hasRedirects ? activatedVenv(program.name, words, scope, this.#grounds) : undefined
    if (source && venv !== undefined) {
      this.venv = venv
      this.replaced.add(source)
      return safe('venv', 'the hub applies the virtual environment itself; the file is not run')
    }
    const verdict = judgeReading(program.name, words, reading, scope, via, this.#grounds, text)
    if (verdict.level === 'SAFE' && reading) this.#follow(program.name, words, reading, scope, via)
    return verdict
  }

  /** The effects of a reading command on later ones, and on the plan. */
  #follow(
    program: string,
    words: readonly ResolvedWord[],
    reading: Reading,
    scope: Scope,
    via: Via,
  ): void {
    if (program === 'cd') changeDirectory(words, scope, this.#grounds)
    if (reading.form.harden === 'git') this.hardensGit = true
    if (reading.form.env) Object.assign(this.env, reading.form.env)
    this.#addBehind(words[0], reading.form.settings)
    this.#addBehind(words[reading.addAt - 1], reading.add)
    const dashesAt = reading.dashesAt === undefined ? undefined : words[reading.dashesAt - 1]
    this.#addBehind(dashesAt ?? judgeAdded(reading, words, via).dashesAfter, ['--'])
  }

  #addBehind(word: ResolvedWord | undefined, options: readonly string[]): void {
    if (word === undefined || options.length === 0) return
    const added = this.additions.get(word.word) ?? []
    // each turn of a loop reads the same word
    if (added.join('\0').includes(options.join('\0'))) return
    this.additions.set(word.word, [...added, ...options])
  }

  #wholeText(root: Compound, texts: ReadonlyMap<SimpleCommand, string>): void {
    const text = maskedText(root, texts)
    const blocked = this.#grounds.policy.blockedPatterns.find('', new Subject(text))
    if (blocked) this.add(text, patternFinding('BLOCKED', blocked))
  }
}

const noRedirects: readonly Redirect[] = []

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

import type { CommandNode, Compound, Redirect, SimpleCommand, Word } from '../shell/command-tree.ts'
import { isNode } from '../shell/command-tree.ts'
import { shorten } from '../shell/command-text.ts'
import type { Finding } from '../judge/findings.ts'
import type { Allowance } from '../judge/fork-bomb.ts'
import { startsItself } from '../judge/fork-bomb.ts'
import { judgeDangers } from '../judge/judge-dangers.ts'
import { readProgram } from '../judge/judge-reading.ts'
import { judgeSecrets, proseOf } from '../judge/judge-secrets.ts'
import { parseCommand } from '../shell/parse-command.ts'
import { Shape } from '../rules/command-shape.ts'
import { isHarmlessSink } from '../rules/path-rules.ts'
import { resolvePath } from '../shell/resolve-path.ts'
import { fixedWord } from '../shell/resolve-words.ts'
import type { Grounds } from '../judge/scope.ts'
import { newScope } from '../judge/scope.ts'
import { followBuiltin } from './builtins.ts'
import type { Expansion } from './expand-words.ts'
import { expandWord, wordValue } from './expand-words.ts'
import type { FlowWord } from './flow-words.ts'
import { printWords, wordsFor } from './flow-words.ts'
import { judgeCode } from './judge-code.ts'
import { outputOf } from './output.ts'
import type { Following, Known, Place } from './place.ts'
import { copyOf } from './place.ts'
import { followRunner } from './runners.ts'
import { judgeSending, sendingFinding } from './sinks.ts'
import type { Value } from './value.ts'
import { hidden, joined, known, unknown } from './value.ts'

/** Commands that are followed; each round of a loop counts. */
const mostCommands = 64
/** Characters of text inside texts that are followed. */
const mostText = 4096
/** Words that braces in such texts may make. */
const mostFromBraces = 256
const mostDepth = 10
/** Words of one command that are followed. */
const mostArguments = 128
const mostRounds = 16

/** A finding of the data flow: only BLOCKED counts. */
export interface FollowFinding extends Finding {
  readonly text: string
}

/**
 * Follows data through a command: from substitutions, listings, variables, pipes and files to the
 * commands that use it. Reports only BLOCKED findings, so that it can only make a verdict stricter.
 */
export function followData(
  root: CommandNode,
  cwd: string | undefined,
  grounds: Grounds,
): readonly FollowFinding[] {
  const follower = new Follower(grounds)
  follower.run(root, {
    scope: newScope(cwd),
    variables: new Map(),
    functions: new Map(),
    parameters: [],
    files: new Map(),
    input: undefined,
    depth: 0,
    isWritten: true,
  })
  return follower.findings
}

class Follower implements Following {
  readonly findings: FollowFinding[] = []
  readonly grounds: Grounds
  readonly home: string
  #commandsLeft = mostCommands
  #textLeft = mostText
  readonly #braces = { left: mostFromBraces }
  readonly #functionParts: Allowance = { left: mostText }

  constructor(grounds: Grounds) {
    this.grounds = grounds
    this.home = grounds.home ?? '/root'
  }

  /** Follows one part and gives what it prints. */
  run(node: CommandNode, place: Place): Value {
    if (this.#commandsLeft <= 0 || this.findings.length > 0) return unknown
    if (node.kind === 'simple') return this.#simple(node, place)
    const inner = node.kind === 'subshell' ? copyOf(place) : place
    const input = this.#inputOf(node.redirects, inner)
    const output = this.#compound(node, input ? { ...inner, input } : inner)
    return this.#written(node.redirects, output, inner)
  }

  #compound(node: Compound, place: Place): Value {
    switch (node.kind) {
      case 'pipeline':
        return this.#pipeline(node, place)
      case 'for':
      case 'select':
        return this.#loop(node, place)
      case 'while':
        return this.#while(node, place)
      case 'function': {
        const body = node.shape.find(isNodePart)
        const { name = '' } = node
        if (!place.isWritten && startsItself(node, name, this.#functionParts))
          this.#addText(name, endless)
        if (body && name !== '') place.functions.set(name, body)
        return known('')
      }
      default: {
        const outputs: Value[] = []
        for (const part of node.shape) if (isNodePart(part)) outputs.push(this.run(part, place))
        // Of branches only one prints.
        const isSure = node.kind === 'list' || node.kind === 'group' || node.kind === 'subshell'
        return isSure ? joined(outputs) : hidden(joined(outputs))
      }
    }
  }

  #pipeline(node: Compound, place: Place): Value {
    let { input } = place
    let shell: string | undefined
    const stages = node.shape.filter(isNodePart)
    // `time x` is a pipeline of one, which runs where it stands.
    const [only] = stages
    if (only && stages.length === 1) return this.run(only, place)
    for (const [at, part] of stages.entries()) {
      input = this.run(part, { ...copyOf(place), input })
      if (part.kind !== 'simple') continue
      const program = nameOf(part)
      if (shell !== undefined && connectors.has(program))
        this.#addText(`${shell} | ${program}`, served)
      if (this.#takesOrders(part, at > 0)) shell = program
    }
    return input ?? unknown
  }

  /** Whether it is a shell that runs what it reads, and no script of its own. */
  #takesOrders(command: SimpleCommand, isPiped: boolean): boolean {
    const isFed = isPiped || command.redirects.some(({ operator }) => /^<>?$/.test(operator))
    const hasScript = command.words
      .slice(1)
      .some(({ value }) => !value.startsWith('-') || value.includes('c'))
    return isFed && !hasScript && this.grounds.policy.shells.has(nameOf(command))
  }

  #loop(node: Compound, place: Place): Value {
    const values = node.shape
      .filter((part): part is Word => typeof part !== 'string' && !isNode(part))
      .flatMap((word) => expandWord(word, this.#expansion(place)))
    const body = node.shape.find(isNodePart)
    const { name } = node
    if (!body || name === undefined) return unknown
    const outputs = values.slice(0, mostRounds).map((value) => {
      place.variables.set(name, value)
      return this.run(body, place)
    })
    return joined(outputs)
  }

  /** `while read x`: each line of what is read, one after the other. */
  #while(node: Compound, place: Place): Value {
    const [condition, body] = node.shape.filter(isNodePart)
    if (!condition || !body) return unknown
    const words = condition.kind === 'simple' ? condition.words.map(({ value }) => value) : []
    const names = words.slice(1).filter((name) => /^[A-Za-z_]\w*$/.test(name))
    if (words[0] !== 'read' || names.length === 0) {
      this.run(condition, place)
      return hidden(this.run(body, place))
    }
    const { input = unknown } = place
    const lines = input.text?.split(/[\n\0]/).filter((line) => line !== '')
    const rounds = lines?.slice(0, mostRounds).map(known) ?? [input]
    const outputs = rounds.map((round) => {
      const parts = round.text?.trim().split(/\s+/)
      for (const [at, name] of names.entries()) {
        const text = at === names.length - 1 ? parts?.slice(at).join(' ') : parts?.[at]
        place.variables.set(name, text === undefined ? round : known(text))
      }
      return this.run(body, { ...place, input: undefined })
    })
    return joined(outputs)
  }

  #simple(command: SimpleCommand, place: Place): Value {
    this.#commandsLeft -= 1
    const { words, assignments, redirects } = command
    const expansion = this.#expansion(place)
    const input = this.#inputOf(redirects, place) ?? place.input
    const values = words.flatMap((word) => expandWord(word, expansion))
    if (values.length === 0)
      for (const { name, value, plain } of assignments) {
        const assigned = wordValue(value, expansion)
        place.variables.set(name, plain ? assigned : hidden(assigned))
      }
    const isWritten = place.isWritten && words.every(isAsWritten)
    const here =
      input === place.input && isWritten === place.isWritten
        ? place
        : { ...place, input, isWritten }
    const output = values.length === 0 ? known('') : this.command(values, here)
    if (here !== place) place.parameters = here.parameters
    return redirects.length === 0 ? output : this.#written(redirects, output, place)
  }

  /** The input of a command by its own redirections. */
  #inputOf(redirects: readonly Redirect[], place: Place): Value | undefined {
    const redirect = redirects.findLast(
      ({ operator, fd }) => /^<(?:[<>]|<<)?$/.test(operator) && (fd ?? 0) === 0,
    )
    if (!redirect) return undefined
    const { operator, target } = redirect
    const value = wordValue(target, this.#expansion(place))
    if (operator === '<<<' && value.text !== undefined) return known(`${value.text}\n`)
    if (operator.startsWith('<<') || value.isContent) return value
    const content = this.file(value.text, place)
    return content === unknown ? undefined : content
  }

  /** The rest of the output after the redirections, which may put it into a file or send it. */
  #written(redirects: readonly Redirect[], output: Value, place: Place): Value {
    let left = output
    for (const { operator, fd, target } of redirects) {
      if (!operator.includes('>') || operator === '>&' || operator === '<>' || (fd ?? 1) !== 1)
        continue
      const value = wordValue(target, this.#expansion(place))
      left = known('')
      const { text } = value
      if (text === undefined) {
        if (operator !== '>>') this.judge('truncate', wordsFor(value), place)
        continue
      }
      if (output.secrets[0] !== undefined && /^\/dev\/(?:tcp|udp)\//.test(text))
        this.#addText(text, sendingFinding(output.secrets[0]))
      if (value.isContent || isHarmlessSink(text)) continue
      place.files.set(resolvePath(text, place.scope.cwd), { ...output, isContent: true })
      if (target.pieces || !place.isWritten) this.judge('tee', [fixedWord(text)], place)
    }
    return left
  }

  #expansion(place: Place): Expansion {
    return {
      home: this.home,
      cwd: place.scope.cwd,
      variable: (name) => place.variables.get(name),
      parameters: place.parameters,
      output: (script) =>
        place.depth >= mostDepth
          ? unknown
          : this.run(script, { ...copyOf(place), depth: place.depth + 1, input: undefined }),
    }
  }

  command(values: readonly Value[], place: Place): Value {
    if (this.findings.length > 0 || place.depth > mostDepth) return unknown
    const words = values.slice(0, mostArguments).flatMap(wordsFor)
    const first = words[0]?.value ?? ''
    if (first === '') return unknown
    const program = first.slice(first.lastIndexOf('/') + 1)
    const own = place.functions.get(program)
    const deeper: Place = { ...place, depth: place.depth + 1 }
    if (own) return this.run(own, { ...deeper, parameters: values.slice(1) })
    const args = words.slice(1).map(({ value }) => value)
    const command: Known = { program, words, values, args }
    const isFed =
      place.input?.text !== undefined ||
      place.files.size > 0 ||
      values.some(({ isContent }) => isContent)
    if (!place.isWritten || isFed) this.judge(program, words.slice(1), place)
    const sending = judgeSending(command, place, this.grounds)
    if (sending) this.add(command, sending)
    judgeCode(this, command, place)
    return (
      followBuiltin(this, command, place) ??
      followRunner(this, command, deeper) ??
      outputOf(this, command, place)
    )
  }

  text(text: string, place: Place): Value {
    this.#textLeft -= text.length
    if (text.trim() === '' || this.#textLeft < 0 || place.depth > mostDepth) return unknown
    const { root } = parseCommand(text, this.#braces)
    return root ? this.run(root, { ...place, isWritten: false, depth: place.depth + 1 }) : unknown
  }

  judge(program: string, args: readonly FlowWord[], place: Place): void {
    const words: readonly FlowWord[] = [fixedWord(program), ...args]
    const found: Finding[] = []
    const reading = readProgram(program, words, this.grounds)
    const fed = [place.input, ...args.map((arg) => this.#contentOf(arg, place))]
    const input = fed.flatMap((value) => value?.text ?? []).join('\n')
    const { policy } = this.grounds
    const { cwd } = place.scope
    // A guess tells where a credential could lie, and nothing of what else is there.
    const sure = textsOf(args.filter(({ isGuess }) => isGuess !== true))
    const isSureProse = proseOf(policy, program, sure, reading)
    const shape = new Shape(program, sure, input === '' ? undefined : input, isSureProse, cwd)
    judgeDangers(shape, reading, this.grounds, found, [])
    const isProse = proseOf(policy, program, textsOf(args), reading)
    judgeSecrets(program, words, reading, isProse, place.scope, this.grounds, found)
    const worst = found.find(({ level }) => level === 'BLOCKED')
    if (worst) this.#addText(printWords(words), worst)
  }

  /** The text in a file that an argument names, where the command itself has written it. */
  #contentOf({ value, flow }: FlowWord, { files, scope }: Place): Value | undefined {
    if (flow?.isContent === true) return flow
    return files.size > 0 ? files.get(resolvePath(value, scope.cwd)) : undefined
  }

  add({ words }: Known, finding: Finding): void {
    this.#addText(printWords(words), finding)
  }

  #addText(text: string, finding: Finding): void {
    this.findings.push({ ...finding, text: shorten(text) })
  }

  file(name: string | undefined, { scope, files, input = unknown }: Place): Value {
    if (name === undefined) return unknown
    if (/^\/(?:dev|proc\/(?:thread-)?self)\/(?:stdin|fd\/0)$/.test(name)) return input
    const path = resolvePath(name, scope.cwd)
    return (
      files.get(path) ??
      (this.grounds.paths.isStore(path) || this.grounds.paths.isEnvironment(path)
        ? { ...unknown, secrets: [path] }
        : unknown)
    )
  }
}

const endless: Finding = {
  level: 'BLOCKED',
  rule: 'fork-bomb',
  reason: 'a function starts itself without end',
}
const served: Finding = {
  level: 'BLOCKED',
  rule: 'reverse-shell',
  reason: 'connects a shell to the network',
}
/** Programs that hold a connection open in both directions. */
const connectors = new Set(
  'nc ncat netcat nc.traditional nc.openbsd socat telnet openssl'.split(' '),
)

function textsOf(words: readonly FlowWord[]): string[] {
  return words.map(({ value }) => value)
}

function nameOf({ words }: SimpleCommand): string {
  const value = words[0]?.value ?? ''
  return value.slice(value.lastIndexOf('/') + 1)
}

function isAsWritten({ pieces }: Word): boolean {
  return pieces?.every(({ kind }) => kind === 'glob' || kind === 'text' || kind === 'tilde') ?? true
}

function isNodePart(part: string | Word | CommandNode): part is CommandNode {
  return isNode(part)
}

import type { CommandNode } from '../shell/command-tree.ts'
import { isNodePart, programsOf } from '../shell/command-text.ts'
import { hasFlag } from '../rules/danger-rules.ts'
import type { Finding } from './findings.ts'
import { review } from './findings.ts'
import type { Policy } from '../rules/policy.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Grounds, Scope } from './scope.ts'

/**
 * Judges the code that a shell or an interpreter reads on standard input.
 *
 * @returns the text that a shell would run, if known
 */
export function judgeInterpreter(
  program: string,
  words: readonly ResolvedWord[],
  input: string | undefined,
  scope: Scope,
  grounds: Grounds,
  findings: Finding[],
): string | undefined {
  const isShell = grounds.policy.shells.has(program)
  const readsInput =
    words.slice(1).every(({ value }) => value.startsWith('-')) ||
    hasFlag(
      words.slice(1).map(({ value }) => value),
      ['-s'],
    )
  if (!readsInput) return undefined
  const text = isShell ? input : undefined
  if (scope.pipeline.length === 0) return text
  const fromNetwork = scope.pipeline.find((name) => grounds.policy.network.has(name))
  const decoder = scope.pipeline.find((name) => grounds.policy.decoders.has(name))
  if (isShell && (fromNetwork ?? decoder) !== undefined) {
    findings.push({
      level: 'BLOCKED',
      rule: fromNetwork === undefined ? 'decoded-code' : 'network-code',
      reason: `runs what ${fromNetwork ?? decoder} gives it as code, unseen`,
      suggestion: 'store it in a file, look at it, and ask for that file to be run',
    })
  } else findings.push(review('piped-code', `${program} runs what it reads`))
  return text
}

/** Whether what a program puts out must not be run unseen. */
export function isTelling(program: string, policy: Policy): boolean {
  return policy.network.has(program) || policy.decoders.has(program)
}

/** Programs of a part of a pipeline: one of any kind, and those whose output must not be run unseen. */
export function feedersOf(
  node: CommandNode,
  policy: Policy,
  known: Map<CommandNode, readonly string[]>,
): readonly string[] {
  const found = known.get(node)
  if (found) return found
  const programs =
    node.kind === 'simple'
      ? programsOf(node)
      : node.shape.filter(isNodePart).flatMap((part) => feedersOf(part, policy, known))
  const telling = programs.filter((program, at) => at === 0 || isTelling(program, policy))
  const feeders = [...new Set(telling)]
  known.set(node, feeders)
  return feeders
}

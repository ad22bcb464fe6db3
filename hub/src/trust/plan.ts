import type { Plan } from '@centralpost/shared'
import type { CommandNode, SimpleCommand, Word } from './shell/command-tree.ts'
import { isStatic } from './shell/command-tree.ts'
import { printScript } from './shell/print-command.ts'

/** Builtins whose program twin, where there is one, prints something else: bash itself must run them. */
const bashOnly = new Set(
  `. : alias bg bind break builtin caller cd command compgen complete continue declare dirs disown enable eval exec
  exit export fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read readarray
  readonly return set shift shopt source suspend time times trap type typeset ulimit umask unalias unset wait`.split(
    /\s+/,
  ),
)

/** The parts of a SAFE judgement that the plan needs. */
export interface PlanNotes {
  readonly additions: ReadonlyMap<Word, readonly string[]>
  readonly replaced: ReadonlySet<SimpleCommand>
  readonly hardensGit: boolean
  readonly env: Readonly<Record<string, string>>
  readonly venv: string | undefined
}

/**
 * Settings that git takes only from its environment: no transport, no lazy fetch, no lock, no
 * prompt.
 */
const gitEnvironment: Readonly<Record<string, string>> = {
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_NO_LAZY_FETCH: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_PAGER: 'cat',
  GIT_TERMINAL_PROMPT: '0',
}

/** The plan of a SAFE command: its argv, or a script printed again from what was judged. */
export function planSafe(root: CommandNode, notes: PlanNotes): Plan {
  const set = { ...notes.env, ...(notes.hardensGit && gitEnvironment) }
  const env = Object.keys(set).length > 0 ? set : undefined
  const extras = { ...(env && { env }), ...(notes.venv !== undefined && { venv: notes.venv }) }
  const rewrite = rewriteBy(notes)
  if (root.kind === 'simple') {
    const command = rewrite(root) ?? root
    if (isPlain(command) && !needsBash(command)) {
      const assigned = Object.fromEntries(
        command.assignments.map(({ name, value }) => [name, value.value]),
      )
      const whole = { ...assigned, ...env }
      const argv = command.words.map(({ value }) => value)
      return {
        kind: 'argv',
        argv,
        ...extras,
        ...(Object.keys(whole).length > 0 && { env: whole }),
      }
    }
  }
  return { kind: 'script', script: printScript(root, rewrite), ...extras }
}

/** The plan of a command that a person decides on: exactly the text, or its argv where no shell is needed. */
export function planAsWritten(root: CommandNode | null, text: string): Plan {
  if (root?.kind === 'simple' && isPlain(root) && root.assignments.length === 0) {
    const program = root.words[0]?.value ?? ''
    if (program !== '' && !needsBash(root)) {
      return { kind: 'argv', argv: root.words.map(({ value }) => value) }
    }
  }
  return { kind: 'script', script: text }
}

function rewriteBy(notes: PlanNotes): (command: SimpleCommand) => SimpleCommand | undefined {
  return (command) => {
    if (notes.replaced.has(command)) return { ...command, words: [{ value: 'true' }] }
    if (!command.words.some((word) => notes.additions.has(word))) return undefined
    const words = command.words.flatMap((word) => [
      word,
      ...(notes.additions.get(word) ?? []).map((value): Word => ({ value })),
    ])
    return { ...command, words }
  }
}

function isPlain(command: SimpleCommand): boolean {
  return (
    command.words.length > 0 &&
    command.redirects.length === 0 &&
    command.words.every(isStatic) &&
    command.assignments.every(({ value, plain }) => plain && isStatic(value))
  )
}

function needsBash(command: SimpleCommand): boolean {
  const program = command.words[0]?.value ?? ''
  if (bashOnly.has(program)) return true
  // The program `echo` knows --help and --version, bash's does not.
  return program === 'echo' && (command.words[1]?.value.startsWith('-') ?? false)
}

import {
  type Candidate,
  complete,
  completionLines,
  visibleCommand,
  visible,
} from '@centralpost/shared'
import { Operator } from '../operator/operator.ts'
import { dataDirOf } from '../spoke/spoke.ts'
import { commandLine } from './command-line.ts'

/** How long shell completion waits for a hub, in milliseconds. */
const patienceMs = 800
const mostIds = 50

/** Prints the completions of these words for a shell. */
export async function completeWords(words: readonly string[]): Promise<void> {
  const completion = complete(await commandLine(words.length > 1 ? words[0] : ''), words)
  const { argument } = completion
  const current = words.at(-1) ?? ''
  const known = argument
    ? await valuesOf([...argument.command, argument.name].join(' '), words)
    : []
  const candidates = [
    ...completion.candidates,
    ...known.filter(({ word }) => word.startsWith(current)),
  ]
  const lines = completionLines({ ...completion, candidates })
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
}

/** The hub's values for an argument; empty when the hub does not answer in time. */
async function valuesOf(argument: string, words: readonly string[]): Promise<Candidate[]> {
  const ask = questions[argument]
  if (ask === undefined) return []
  const patience = AbortSignal.timeout(patienceMs)
  try {
    await using operator = await Operator.connect({
      name: optionIn(words, '--as') ?? (process.env['CENTRALPOST_OPERATOR'] || 'operator'),
      dataDir: dataDirOf(dataOption(words)),
      connectTimeoutMs: patienceMs,
    })
    const late = Promise.withResolvers<Candidate[]>()
    patience.addEventListener('abort', () => late.resolve([]))
    const asked = ask(operator).catch(() => [])
    return await Promise.race([asked, late.promise])
  } catch {
    // an incomplete list is better than an error in the middle of a command line
    return []
  }
}

type Question = (operator: Operator) => Promise<Candidate[]>

const pending: Question = async (operator) =>
  (await operator.pending())
    .slice(0, mostIds)
    .map(({ action_id: word, command }) => ({ word, about: about(command) }))

const recent: Question = async (operator) =>
  (await operator.history({ limit: mostIds })).entries.map(
    ({ action_id: word, command, status }) => ({ word, about: `${status}: ${about(command)}` }),
  )

const rules: Question = async (operator) =>
  (await operator.alwaysRules()).map(({ rule_id: word, description }) => ({
    word,
    about: visible(description),
  }))

const proposed: Question = async (operator) =>
  (await operator.proposals()).flatMap(({ support: [newest], rule }) =>
    newest === undefined ? [] : [{ word: newest.action_id, about: visible(rule ?? '') }],
  )

/** Keyed by command and argument. */
const questions: Readonly<Record<string, Question>> = {
  'approve id': pending,
  'deny id': pending,
  'pending id': pending,
  'proposals accept id': proposed,
  'cancel id': recent,
  'result id': recent,
  'history show id': recent,
  'rules revoke id': rules,
}

const about = (command: string): string => visibleCommand(command.slice(0, 80))

function optionIn(words: readonly string[], name: string): string | undefined {
  const at = words.indexOf(name)
  return (at === -1 ? undefined : words[at + 1]) ?? assigned(words, name)
}

function assigned(words: readonly string[], name: string): string | undefined {
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
}

function dataOption(words: readonly string[]): { dataDir?: string } {
  const dataDir = optionIn(words, '--data')
  return dataDir === undefined ? {} : { dataDir }
}

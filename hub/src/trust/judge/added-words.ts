import type { Reading } from '../rules/program-rules.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Via } from './scope.ts'

/** Names that a search can find; what a form says of its operands must hold for each. */
const foundNames = [
  './a=b',
  './-x',
  './@x',
  './a b',
  './a:b',
  './$(x)',
  './|x',
  './..x',
  './a/b.rb',
  './%(x)',
  '/a',
]

/** The verdict on a command's words with regard to words that a wrapper adds. */
export interface AddedWords {
  /** Why they can be more than names. */
  readonly refusal?: string
  /** The word behind which the plan puts `--`, so that they are names. */
  readonly dashesAfter?: ResolvedWord | undefined
}

/**
 * Judges words added by xargs or find at run time: each may be an option, unless `--` precedes it
 * or no option does harm, and each is one operand more.
 */
export function judgeAdded(
  { form, roles, afterDashes }: Reading,
  words: readonly ResolvedWord[],
  { added, contained }: Via,
): AddedWords {
  if (!added) return {}
  const isXargs = added.by === 'xargs'
  if (isXargs && form.check) return { refusal: 'what xargs adds is not seen by the check' }
  const { match } = form
  if (match && (isXargs || !foundNames.every((name) => match.test(name))))
    return { refusal: 'what is added may not be of the reading form' }
  const operands = roles.filter((role) => role === 'path' || role === 'name' || role === 'data')
  const count = operands.length + (added.where === 'end' ? 1 : 0)
  if (added.isMany ? Number.isFinite(form.most) : count > form.most)
    return { refusal: `more than ${form.most} operands` }
  if (isXargs && form.operands === 'none' && !form.harmless)
    return { refusal: 'an operand where none is expected' }
  if ((form.operands === 'paths' || form.operands === 'pattern') && !contained())
    return { refusal: 'reads files whose names are only known when it runs' }
  if (!isXargs || form.harmless || form.globs) return {}
  const first = added.where === 'end' ? words.length : words.findIndex(({ filled }) => filled)
  const honours = form.dashes || (form.harden === 'git' && form.operands === 'paths')
  if (honours && afterDashes <= first && words[afterDashes - 1]?.value === '--') return {}
  const isLast = words.slice(first).every((_, at) => isOperand(roles[first + at]))
  if (!form.dashes || !isLast)
    return { refusal: 'a word that xargs adds could turn out to be an option' }
  return { dashesAfter: words[first - 1] }
}

function isOperand(role: Reading['roles'][number] | undefined): boolean {
  return role === 'path' || role === 'name' || role === 'data'
}

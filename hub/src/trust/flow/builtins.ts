import { changeDirectory } from '../judge/directories.ts'
import { constantOutput } from './filters.ts'
import type { Following, Known, Place } from './place.ts'
import { printsEnvironment } from './sinks.ts'
import type { Value } from './value.ts'
import { known, unknown } from './value.ts'

const nothing = known('')

/** Shell builtins that affect later commands; undefined for another program. */
export function followBuiltin(
  { grounds }: Following,
  { program, words, values, args }: Known,
  place: Place,
): Value | undefined {
  const { variables, input } = place
  if (printsEnvironment(program, args)) return undefined
  switch (program) {
    case 'cd':
    case 'pushd':
      changeDirectory(words, place.scope, grounds)
      return nothing
    case 'set':
      if (args[0] === '--') place.parameters = values.slice(2)
      return nothing
    case 'export':
    case 'declare':
    case 'typeset':
    case 'local':
    case 'readonly':
      for (const [at, arg] of args.entries()) {
        const [, name, text] = /^([A-Za-z_]\w*)=(.*)$/s.exec(arg) ?? []
        if (name !== undefined) variables.set(name, { ...(values[at + 1] ?? unknown), text })
      }
      return nothing
    case 'read':
    case 'mapfile':
    case 'readarray': {
      const name = args.findLast((arg) => /^[A-Za-z_]\w*$/.test(arg)) ?? 'REPLY'
      variables.set(name, input?.text === undefined ? (input ?? unknown) : known(input.text.trim()))
      return nothing
    }
    case 'printf': {
      if (args[0] !== '-v') return undefined
      const text = constantOutput('printf', args.slice(2), undefined)
      variables.set(args[1] ?? '', text === undefined ? unknown : known(text))
      return nothing
    }
    default:
      return undefined
  }
}

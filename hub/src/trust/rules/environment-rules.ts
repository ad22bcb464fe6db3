import type { EnvironmentSource } from './rule-schema.ts'

/** Judgement of one environment variable that a command, or a request, sets. */
export interface EnvironmentPolicy {
  judge(name: string, value: string): 'harmless' | 'review' | 'blocked'
  /** Whether the name says that the value is a secret. */
  isSecret(name: string): boolean
  /** Whether the name leaves no doubt, so that printing the value is BLOCKED. */
  isNamedSecret(name: string): boolean
  /** Whether the variable's value may stand for a path. */
  isKnown(name: string): boolean
}

/** Compiles the lists of environment.yaml; a trailing `*` takes any rest. */
export function compileEnvironment(source: EnvironmentSource): EnvironmentPolicy {
  const harmless = matcher(source.harmless)
  const hooks = matcher(source.hooks)
  const known = new Set(source.known)
  const secret = new RegExp(source.secrets, 'i')
  const about = new RegExp(source.about_secrets, 'i')
  const named = new RegExp(source.named_secrets, 'i')
  const shapes = Object.entries(source.shapes).map(([names, shape]) => ({
    isFor: matcher(names.split(' ')),
    shape: new RegExp(`^(?:${shape})$`),
  }))
  const values = new Map(Object.entries(source.values).map(([name, list]) => [name, new Set(list)]))
  return {
    judge(name, value) {
      if (hooks(name)) return 'blocked'
      const allowed = values.get(name)
      if (allowed) return allowed.has(value) ? 'harmless' : 'review'
      if (!harmless(name)) return 'review'
      if (shapes.some(({ isFor, shape }) => isFor(name) && !shape.test(value))) return 'review'
      // A value with a substitution in it can be evaluated by whoever reads the variable as code.
      const isCode = /[`$\0\n]|\(\)/.test(value)
      // One with a path in it makes the C library load that file: messages with `%n` in them, a time zone.
      const isPath = /(?:^|[:=])\/|(?:^|[:/])\.\.(?:\/|$)/.test(value)
      return isCode || isPath ? 'review' : 'harmless'
    },
    isSecret: (name) => secret.test(name) && !about.test(name),
    isNamedSecret: (name) => named.test(name),
    isKnown: (name) => known.has(name),
  }
}

function matcher(names: readonly string[]): (name: string) => boolean {
  const exact = new Set(names.filter((name) => !name.endsWith('*')))
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  return (name) => exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix))
}

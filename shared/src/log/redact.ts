import { SecretFinder } from '../secrets/find-secrets.ts'

const secretName =
  /pass(word)?|secret|token|api_?key|private_?key|credential|authorization|nkey|seed$/i

/**
 * A copy of a log line's fields without secrets: values under secret-looking names are dropped, at
 * any depth. Errors become `{message, stack, cause, …}` so that JSON shows them.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (Error.isError(value)) {
    return {
      message: value.message,
      ...('code' in value && { code: value.code }),
      stack: value.stack,
      ...(value.cause !== undefined && depth < 4 && { cause: redact(value.cause, depth + 1) }),
    }
  }
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (depth > 6) return '…'
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      secretName.test(name) ? '[redacted]' : redact(item, depth + 1),
    ]),
  )
}

const finder = new SecretFinder()
/**
 * A shorter secret is removed only where it was found: searched elsewhere, it would match
 * everywhere.
 */
const shortestSpread = 4
const mark = '[masked]'

/**
 * Removes credentials from a log line, by the patterns that mask the history. Lines contain
 * commands, reasons and errors, and a log has more readers than the history.
 *
 * @param line a JSON value, such as the result of `redact`
 */
export function maskLine<T>(line: T): T {
  const text = JSON.stringify(line)
  if (text === undefined || !finder.mayHold(text)) return line
  const secrets = new Set<string>()
  mapStrings(line, (one) => {
    for (const [from, to] of finder.spansIn(one)) secrets.add(one.slice(from, to))
    return one
  })
  if (secrets.size === 0) return line
  return mapStrings(line, (one) => {
    let left = finder.replaced(one, () => mark)
    // a found secret may be repeated elsewhere without a telltale name
    for (const secret of secrets) {
      if (secret.length >= shortestSpread) left = left.replaceAll(secret, mark)
    }
    return left
  }) as T
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, mapStrings(item, change)]),
  )
}

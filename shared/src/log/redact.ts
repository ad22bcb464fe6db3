const secretName =
  /pass(word)?|secret|token|api_?key|private_?key|credential|authorization|nkey|seed$/i

/**
 * A copy of a log line's fields without secrets: what stands under a secret-looking name is dropped, however deep.
 * Errors become `{message, stack, cause, …}` so that JSON shows them.
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

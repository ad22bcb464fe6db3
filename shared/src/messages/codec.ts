import type { z } from 'zod'
import { CentralPostError } from '../problem.ts'
import { shorten } from '../text/shorten.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** Encodes a message as UTF-8 JSON. */
export function encode(message: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(message))
}

/** Encodes a value as JSON with sorted keys, for hashing. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}

/**
 * Decodes a message from the bus and checks it. An empty payload counts as `{}`.
 *
 * @throws {CentralPostError} `invalid_request` naming the invalid field and value
 */
export function decode<T extends z.ZodType>(schema: T, bytes: Uint8Array): z.output<T> {
  let value: unknown
  try {
    const text = decoder.decode(bytes)
    value = text === '' ? {} : JSON.parse(text)
  } catch (error) {
    throw new CentralPostError(
      'invalid_request',
      `the payload is not UTF-8 JSON: ${Error.isError(error) ? error.message : String(error)}`,
      { cause: error },
    )
  }
  return check(schema, value)
}

/**
 * Checks a value against a schema.
 *
 * @throws {CentralPostError} `invalid_request`; `details.field` names the first invalid field
 */
export function check<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  const faults = issues.slice(0, mostFaults).map((issue) => {
    const field = shorten(issue.path.join('.'), 200) || 'the message'
    return { field, text: `${field}: ${shorten(issue.message, 500)}${shown(value, issue.path)}` }
  })
  const more = issues.length > mostFaults ? `; and ${issues.length - mostFaults} more` : ''
  throw new CentralPostError(
    'invalid_request',
    faults.map((fault) => fault.text).join('; ') + more,
    { details: { field: faults[0]?.field ?? 'the message' } },
  )
}

// error messages go back to the sender and must stay small, whatever was sent
const mostFaults = 5

function shown(value: unknown, path: readonly PropertyKey[]): string {
  if (path.length === 0) return ''
  let at: unknown = value
  for (const key of path) at = (at as Record<PropertyKey, unknown> | undefined)?.[key]
  if (at === undefined) return ''
  try {
    return ` (got ${shorten(JSON.stringify(at), 100)})`
  } catch {
    // nested too deep to print
    return ''
  }
}

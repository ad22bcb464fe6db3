import type { z } from 'zod'
import { CentralPostError } from './problem.ts'
import { shorten } from './shorten.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** Prints a message as UTF-8 JSON. */
export function encode(message: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(message))
}

/** Prints a value as JSON with the keys of every object in one fixed order, for hashing. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}

/**
 * Reads bytes from the bus as a checked message. An empty payload counts as `{}`.
 *
 * @throws {CentralPostError} `invalid_request` naming the field and the value that do not fit
 */
export function decode<T extends z.ZodType>(schema: T, bytes: Uint8Array): z.output<T> {
  let value: unknown
  try {
    const text = decoder.decode(bytes)
    value = text === '' ? {} : JSON.parse(text)
  } catch (error) {
    throw new CentralPostError(
      'invalid_request',
      `the payload is not JSON in UTF-8: ${Error.isError(error) ? error.message : String(error)}`,
      { cause: error },
    )
  }
  return check(schema, value)
}

/**
 * Checks a value against a schema.
 *
 * @throws {CentralPostError} `invalid_request`; `details.field` names the first field at fault
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

// a fault is told to whoever made it: what is told must stay small, whatever was sent
const mostFaults = 5

function shown(value: unknown, path: readonly PropertyKey[]): string {
  if (path.length === 0) return ''
  let at: unknown = value
  for (const key of path) at = (at as Record<PropertyKey, unknown> | undefined)?.[key]
  if (at === undefined) return ''
  try {
    return ` (got ${shorten(JSON.stringify(at), 100)})`
  } catch {
    // nested deeper than it can be printed
    return ''
  }
}

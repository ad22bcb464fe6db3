import { z } from 'zod'

/** The part of JSON Schema that zod makes of our schemas. */
interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly description?: string
  readonly default?: unknown
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
}

/** A value that a description names: where it stands, and its schema. */
export interface Field {
  readonly path: string
  readonly schema: JsonSchema
  readonly isRequired: boolean
}

/** The JSON Schema of what travels, as zod makes it. @param io `input`: as it is sent; `output`: as it is answered */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    reused: 'inline',
  }) as JsonSchema
}

/** Every field of an object, nested ones behind their parent with a dotted path; members of a list under `path[]`. */
export function fieldsOf(schema: JsonSchema, prefix = ''): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = `${prefix}${name}`
    const isRequired = schema.required?.includes(name) ?? false
    const inner = objectWithin(property)
    return [
      { path, schema: property, isRequired },
      ...(inner ? fieldsOf(inner.schema, `${path}${inner.isList ? '[]' : ''}.`) : []),
    ]
  })
}

/** The object that a field is, or that its list holds, also where it may be null. */
function objectWithin(schema: JsonSchema): { schema: JsonSchema; isList: boolean } | undefined {
  if (schema.properties) return { schema, isList: false }
  if (schema.items) {
    const inner = objectWithin(schema.items)
    return inner && { schema: inner.schema, isList: true }
  }
  for (const one of schema.anyOf ?? []) {
    const inner = objectWithin(one)
    if (inner) return inner
  }
  return undefined
}

/** The type of a field in words: `string`, `integer or null`, `list of strings`, `"a" | "b"`. */
export function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' \\| ')
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  if (schema.items) return `list of ${typeOf(schema.items)}`
  if (schema.format === 'date-time') return 'time (ISO 8601)'
  if (schema.format === 'uri') return 'URL'
  if (typeof schema.additionalProperties === 'object' && !schema.properties)
    return `object of ${typeOf(schema.additionalProperties)}`
  if (Array.isArray(schema.type)) return schema.type.join(' or ')
  return String(schema.type ?? 'any')
}

/** The bounds of a field in words, or nothing. */
export function boundsOf(schema: JsonSchema): string {
  const { minimum, exclusiveMinimum, maximum, minLength, maxLength, minItems, maxItems } = schema
  // what zod writes for every integer says nothing
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  return [
    ...(exclusiveMinimum === undefined ? [] : [`more than ${exclusiveMinimum}`]),
    ...range(least, most, ''),
    ...range(minLength, maxLength, ' characters'),
    ...range(minItems, maxItems, ' items'),
    ...(schema.pattern !== undefined && schema.pattern.length < 60 && !schema.format
      ? [`matches \`${schema.pattern.replaceAll('|', '\\|')}\``]
      : []),
  ].join(', ')
}

/** A range in words: none, one bound or both. */
function range(from: number | undefined, to: number | undefined, what: string): string[] {
  if (from === undefined && to === undefined) return []
  if (from === undefined) return [`at most ${to}${what}`]
  if (to === undefined) return [`at least ${from}${what}`]
  return [`${from} to ${to}${what}`]
}

const sentence = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** A Markdown table of an object's fields, or `none` where it has none. */
export function tableOf(schema: JsonSchema): string {
  const fields = fieldsOf(schema).filter(({ path }) => path !== 'schema')
  if (fields.length === 0) return 'no fields besides `schema`\n'
  const rows = fields.map(({ path, schema: one, isRequired }) => {
    const facts = [
      one.description === undefined ? '' : sentence(one.description),
      boundsOf(one),
      one.default === undefined ? '' : `default ${JSON.stringify(one.default)}`,
    ].filter((text) => text !== '' && text !== 'default {}')
    return `| \`${path}\`${isRequired ? '' : '?'} | ${typeOf(one)} | ${facts.join('; ')} |`
  })
  return ['| field | type | meaning |', '| --- | --- | --- |', ...rows, ''].join('\n')
}

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
export declare function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema
/** Every field of an object, nested ones behind their parent with a dotted path; members of a list under `path[]`. */
export declare function fieldsOf(schema: JsonSchema, prefix?: string): Field[]
/** The type of a field in words: `string`, `integer or null`, `list of strings`, `"a" | "b"`. */
export declare function typeOf(schema: JsonSchema): string
/** The bounds of a field in words, or nothing. */
export declare function boundsOf(schema: JsonSchema): string
/** A Markdown table of an object's fields, or `none` where it has none. */
export declare function tableOf(schema: JsonSchema): string
export {}

import { readFile } from 'node:fs/promises'
import { load, YAMLException } from 'js-yaml'
import { z } from 'zod'
import { messageOf } from './message-of.ts'
import { CentralPostError } from './problem.ts'

/**
 * Reads a YAML file. An empty file is `undefined`.
 *
 * @throws {CentralPostError} `invalid_config` with file, line and the invalid text
 */
export async function readYaml(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new CentralPostError('invalid_config', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  return parseYaml(text, path)
}

/**
 * Parses YAML text; `path` is only for the message.
 *
 * @throws {CentralPostError} `invalid_config` with file, line and the invalid text
 */
export function parseYaml(text: string, path: string): unknown {
  try {
    return load(text, { filename: path })
  } catch (error) {
    const at = error instanceof YAMLException && error.mark ? `:${error.mark.line + 1}` : ''
    throw new CentralPostError('invalid_config', `${path}${at}: not YAML: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/**
 * Checks settings against their schema, and reports all errors together.
 *
 * @throws {CentralPostError} `invalid_config` naming file, path and the allowed range
 */
export function checkConfig<T extends z.ZodType>(
  schema: T,
  value: unknown,
  path: string,
): z.output<T> {
  const parsed = schema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  throw new CentralPostError('invalid_config', `${path}: ${z.prettifyError(parsed.error)}`, {
    cause: parsed.error,
  })
}

/** A setting in seconds: its default, range and description. */
export function secondsSetting(by: number, least: number, most: number, what: string) {
  return z.number().min(least).max(most).default(by).describe(`seconds; ${what}`)
}

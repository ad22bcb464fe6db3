import { trustLevels } from '@centralpost/shared'
import { InvalidArgumentError, Option } from 'commander'

/** Reads a number of seconds greater than 0. */
export function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value
  throw new InvalidArgumentError('give a number of seconds greater than 0.')
}

/** Reads a positive integer. */
export function count(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new InvalidArgumentError('give a whole number of at least 1.')
}

/** Reads an integer of at least 2: a single run is no repetition. */
export function several(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 2) return value
  throw new InvalidArgumentError('give a whole number of at least 2.')
}

/** Collects `NAME=VALUE` options into one record. */
export function collectPairs(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('give NAME=VALUE.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

export const levelOption = (): Option =>
  new Option('--level <level>', 'only this trust level')
    .choices(trustLevels)
    .argParser((text: string) => {
      const level = trustLevels.find((known) => known === text.toUpperCase())
      if (level) return level
      throw new InvalidArgumentError(`choose one of ${trustLevels.join(', ')}.`)
    })

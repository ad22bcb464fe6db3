import type { CommandExecution, NewCommandExecution } from '../store/schema.ts'
import type { Masker } from './masker.ts'

/** The columns with the requester's own text. */
const telling = [
  'command',
  'argv',
  'env',
  'context',
  'verdict',
  'bound',
  'digest',
  'command_hash',
  'request_hash',
] as const
type Telling = Pick<CommandExecution, (typeof telling)[number]>

export interface MaskedRow {
  readonly row: NewCommandExecution
  /** the masked secrets; empty: none */
  readonly secrets: ReadonlySet<string>
  /** the originals of masked columns; null: nothing was masked */
  readonly original: Telling | null
}

/** The probable secrets of an action. */
export function secretsOfAction(
  row: Pick<NewCommandExecution, 'command' | 'argv' | 'env' | 'context'>,
  masker: Masker,
): ReadonlySet<string> {
  const ofCommand = masker.secretsIn(row.command)
  const ofContext = masker.secretsIn(row.context ?? '')
  if (row.env === '{}' && ofContext.size === 0) return ofCommand
  const ofEnv = masker.secretsOfEnv(JSON.parse(row.env) as Record<string, string>)
  return new Set([...ofCommand, ...ofEnv, ...ofContext])
}

/**
 * The row in storable form. Without probable secrets it is the same object. Otherwise they are
 * masked everywhere and the hashes are keyed: equal commands still match, and secrets cannot be
 * guessed from them.
 */
export function maskedRow(row: NewCommandExecution, masker: Masker): MaskedRow {
  const secrets = secretsOfAction(row, masker)
  const reason = row.reason == null ? row.reason : masker.mask(row.reason, secrets)
  if (secrets.size === 0) {
    const isSame = reason === undefined || reason === row.reason
    return { row: isSame ? row : { ...row, reason }, secrets, original: null }
  }
  const json = (text: string | null | undefined): string | null =>
    text == null ? null : JSON.stringify(masker.maskDeep(JSON.parse(text) as unknown, secrets))
  return {
    secrets,
    original: {
      command: row.command,
      argv: row.argv ?? null,
      env: row.env,
      context: row.context ?? null,
      verdict: row.verdict ?? null,
      bound: row.bound ?? null,
      digest: row.digest ?? null,
      command_hash: row.command_hash,
      request_hash: row.request_hash,
    },
    row: {
      ...row,
      command: masker.mask(row.command, secrets),
      argv: json(row.argv),
      env: JSON.stringify(masker.maskEnv(JSON.parse(row.env) as Record<string, string>, secrets)),
      context: row.context == null ? null : masker.mask(row.context, secrets),
      verdict: json(row.verdict),
      bound: json(row.bound),
      digest: row.digest == null ? null : masker.keyed(row.digest),
      command_hash: masker.keyed(row.command_hash),
      request_hash: masker.keyed(row.request_hash),
      ...(row.reason !== undefined && { reason }),
      masked: 1,
    },
  }
}

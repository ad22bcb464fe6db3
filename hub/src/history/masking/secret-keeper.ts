import type { Batch } from '../audit/group-commit.ts'
import type { Database } from '../store/dialect/dialect.ts'
import type { CommandExecution, NewCommandExecution } from '../store/schema.ts'
import { loadHistoryKeys, Vault } from './vault.ts'
import { Masker } from './masker.ts'
import { type MaskedRow, maskedRow, secretsOfAction } from './secrets-of-actions.ts'

/** A longer result is sealed unsearched: searching it would delay the hub. */
const longestLooked = 65_536

const none: ReadonlySet<string> = new Set()

export interface MaskingSettings {
  readonly isOn: boolean
  readonly patterns?: readonly RegExp[]
}

/**
 * Keeps secrets out of the tables. Probable secrets are masked in every column. An action must run
 * exactly as cleared, so its original is sealed in a separate row until it has ended; a result must
 * reach its agent unchanged, so one with a secret is sealed. The key is outside the database.
 */
export class SecretKeeper {
  readonly masker: Masker
  readonly #vault: Vault
  /** of masked unfinished actions */
  readonly #secrets = new Map<number, ReadonlySet<string>>()

  constructor(masker: Masker, vault: Vault) {
    this.masker = masker
    this.#vault = vault
  }

  /**
   * @param keyPath path of the key, created if missing @throws {CentralPostError} `storage` when it
   *   is unusable
   */
  static open(keyPath: string, settings: MaskingSettings): SecretKeeper {
    const { masking, sealing } = loadHistoryKeys(keyPath)
    return new SecretKeeper(new Masker({ key: masking, ...settings }), new Vault(sealing))
  }

  /** The row in storable form; if something was masked, call `keep` in the same transaction. */
  mask(row: NewCommandExecution): MaskedRow {
    return maskedRow(row, this.masker)
  }

  /** Seals the original of a masked action, as long as it may still run. */
  async keep({ tx }: Batch, executionId: number, masked: MaskedRow): Promise<void> {
    const { row, secrets, original } = masked
    if (original === null || !isActive(row)) return
    this.#secrets.set(executionId, secrets)
    // a running action is never run again, so its original is not needed
    if (row.status === 'running') return
    const sealed = this.#vault.seal(JSON.stringify(original), `execution ${executionId}`)
    await tx
      .insertInto('sealed_originals')
      .values({ execution_id: executionId, original: sealed })
      .execute()
  }

  /** Known secrets of an unfinished action. */
  secretsOf(executionId: number): ReadonlySet<string> {
    return this.#secrets.get(executionId) ?? none
  }

  /** The rows with their originals, where sealed. */
  async restore(db: Database, rows: readonly CommandExecution[]): Promise<CommandExecution[]> {
    const masked = rows.filter((row) => row.masked === 1 && isActive(row))
    if (masked.length === 0) return [...rows]
    const kept = await db
      .selectFrom('sealed_originals')
      .selectAll()
      .where(
        'execution_id',
        'in',
        masked.map((row) => row.execution_id),
      )
      .execute()
    const originals = new Map(kept.map((one) => [one.execution_id, one.original]))
    return rows.map((row) => {
      const sealed = originals.get(row.execution_id)
      if (sealed === undefined) return row
      const text = this.#vault.open(sealed, `execution ${row.execution_id}`)
      const whole = { ...row, ...(JSON.parse(text) as Partial<CommandExecution>) }
      this.#secrets.set(row.execution_id, secretsOfAction(whole, this.masker))
      return whole
    })
  }

  /** Replaces the sealed original of an action that continues with changes. */
  async keepChanged({ tx }: Batch, whole: CommandExecution): Promise<void> {
    const { command, argv, env, context, verdict, bound, digest } = whole
    const { command_hash, request_hash } = whole
    const told = { command, argv, env, context, verdict, bound, digest, command_hash, request_hash }
    const original = JSON.stringify(told)
    await tx
      .updateTable('sealed_originals')
      .set({ original: this.#vault.seal(original, `execution ${whole.execution_id}`) })
      .where('execution_id', '=', whole.execution_id)
      .execute()
  }

  /** Call when a masked action has ended: its original is no longer needed. */
  async forget({ tx }: Batch, executionId: number): Promise<void> {
    this.#secrets.delete(executionId)
    await tx.deleteFrom('sealed_originals').where('execution_id', '=', executionId).execute()
  }

  /** A result in storable form. */
  sealResult(
    result: string,
    executionId: number,
  ): { readonly result: string; readonly sealed: number } {
    const { masker } = this
    const isPlain =
      !masker.isOn ||
      (result.length <= longestLooked &&
        this.secretsOf(executionId).size === 0 &&
        masker.secretsIn(result).size === 0)
    if (isPlain) return { result, sealed: 0 }
    return { result: this.#vault.seal(result, `result ${executionId}`), sealed: 1 }
  }

  /** Whether this key opens an action's sealed original, or its result. */
  opens(
    row:
      | { readonly execution_id: number; readonly original: string }
      | { readonly execution_id: number; readonly result: string; readonly sealed: number },
  ): boolean {
    try {
      if ('original' in row) this.#vault.open(row.original, `execution ${row.execution_id}`)
      else this.openResult(row)
      return true
    } catch {
      return false
    }
  }

  openResult(row: { execution_id: number; result: string; sealed: number }): string {
    return row.sealed === 0
      ? row.result
      : this.#vault.open(row.result, `result ${row.execution_id}`)
  }
}

function isActive(row: Pick<NewCommandExecution, 'status'>): boolean {
  return row.status === 'pending' || row.status === 'queued' || row.status === 'running'
}

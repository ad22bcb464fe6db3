import { CentralPostError, messageOf, secondsSetting } from '@centralpost/shared'
import { z } from 'zod'

/** The settings of the history, with their defaults. */
export const historySettingsSchema = z
  .strictObject({
    result_days: z
      .number()
      .min(0.01)
      .max(3650)
      .default(30)
      .describe(
        'days the ledger keeps results with their output, at least as many as the broker; the ' +
          'record of an action and the first 1000 characters of output are permanent',
      ),
    backend: z
      .enum(['sqlite', 'postgres'])
      .default('sqlite')
      .describe('sqlite: files in the data directory; postgres: a database on a server'),
    url: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
      .optional()
      .describe(
        'of the PostgreSQL database; put a password into CENTRALPOST_HISTORY_URL, which takes precedence',
      ),
    lease: secondsSetting(
      15,
      1,
      600,
      'how long a hub may be cut off from PostgreSQL before it ends and another may take over',
    ),
    mask: z
      .boolean()
      .default(true)
      .describe('whether to mask probable credentials in stored texts'),
    mask_patterns: z
      .array(z.string().min(1).max(500))
      .max(100)
      .default([])
      .describe(
        'additional secrets, as regular expressions; with a group named secret, only that group',
      ),
  })
  .prefault({})

/** The settings in the form that `History` takes. */
export interface HistorySettings {
  /** null: files in the data directory */
  readonly location: { readonly backend: 'postgres'; readonly url: string } | null
  /** how long a hub may go without renewing its lease, in milliseconds */
  readonly leaseMs: number
  /** how long results are kept with their output, in milliseconds */
  readonly resultMs: number
  readonly masking: { readonly isOn: boolean; readonly patterns: readonly RegExp[] }
}

/**
 * Converts the `history` settings to the form that `History` takes.
 *
 * @param file the settings file, for messages
 * @param secretUrl the database's address from the environment, which takes precedence
 * @throws {CentralPostError} `invalid_config`
 */
export function historySettings(
  { history }: { readonly history: z.output<typeof historySettingsSchema> },
  file: string,
  secretUrl?: string,
): HistorySettings {
  const url = secretUrl ?? history.url
  const fault = (path: string, what: string): CentralPostError =>
    new CentralPostError('invalid_config', `${file}: history.${path}: ${what}`)
  if (history.backend === 'postgres' && url === undefined) {
    throw fault('url', 'name the database here or in CENTRALPOST_HISTORY_URL')
  }
  const patterns = history.mask_patterns.map((text, index) => {
    try {
      return new RegExp(text, 'g')
    } catch (error) {
      throw fault(`mask_patterns.${index}`, messageOf(error))
    }
  })
  return {
    location:
      history.backend === 'postgres' && url !== undefined ? { backend: 'postgres', url } : null,
    leaseMs: history.lease * 1000,
    resultMs: history.result_days * 86_400_000,
    masking: { isOn: history.mask, patterns },
  }
}

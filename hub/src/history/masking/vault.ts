import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { CentralPostError, messageOf } from '@centralpost/shared'

/** The keys of a history: one for the marks of masked secrets, one for sealing. */
export interface HistoryKeys {
  readonly masking: Buffer
  readonly sealing: Buffer
}

/**
 * Reads the key of a history, or creates one. The file lies beside the database, readable only by
 * its owner, so that a copy of the database alone (a backup, an export, a look at the tables)
 * reveals no secrets.
 *
 * @throws {CentralPostError} `storage` when the file is unreadable, unwritable, or contains no key
 */
export function loadHistoryKeys(path: string): HistoryKeys {
  let text: string
  try {
    // "wx": only one of two concurrent writers creates it
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(Error.isError(error) && 'code' in error && error.code === 'EEXIST')) {
      throw fault(path, messageOf(error), error)
    }
  }
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw fault(path, messageOf(error), error)
  }
  if (!/^[0-9a-f]{64}$/.test(text)) throw fault(path, 'it is not 64 hexadecimal digits')
  const key = Buffer.from(text, 'hex')
  const derived = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `centralpost ${use}`, 32))
  return { masking: derived('masking'), sealing: derived('sealing') }
}

function fault(path: string, what: string, cause?: unknown): CentralPostError {
  return new CentralPostError(
    'storage',
    `cannot use the key of the history ${path}: ${what}; restore it from a backup: texts ` +
      'sealed with it are unreadable without it',
    { cause },
  )
}

const nonceBytes = 12
const tagBytes = 16

/** Encrypts text that must be kept exactly and unreadable in the database (AES-256-GCM). */
export class Vault {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  /** @param about binds the text to its place: it opens nowhere else */
  seal(text: string, about: string): string {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    cipher.setAAD(Buffer.from(about))
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
  }

  /** @throws {CentralPostError} `storage` when it was sealed with another key, or was changed */
  open(sealed: string, about: string): string {
    const bytes = Buffer.from(sealed, 'base64')
    try {
      const cipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, nonceBytes))
      cipher.setAAD(Buffer.from(about))
      cipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
      const text = cipher.update(bytes.subarray(nonceBytes + tagBytes))
      return Buffer.concat([text, cipher.final()]).toString('utf8')
    } catch (error) {
      throw new CentralPostError(
        'storage',
        `the sealed text of ${about} cannot be opened: it was sealed with another key, or was changed`,
        { cause: error },
      )
    }
  }
}

import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writePrivateFileSync } from '@centralpost/shared/private-files'

const linkSchema = z.object({ expires_at: z.number() })

/**
 * One-time sign-in tokens, stored as files in the owner's data directory: a process that can create
 * one can read the operator's credentials as well. The file name is the token's hash. Redeeming
 * deletes the file, so only one of two concurrent attempts succeeds.
 */
export class LoginLinks {
  readonly #folder: string

  /** @param stateDir the console's folder in the data directory */
  constructor(stateDir: string) {
    this.#folder = join(stateDir, 'links')
  }

  /**
   * Makes a token.
   *
   * @param lifetimeMs validity, in milliseconds
   * @throws {CentralPostError} `storage`
   */
  mint(lifetimeMs: number): string {
    this.#sweep()
    const token = randomBytes(32).toString('base64url')
    writePrivateFileSync(
      this.#fileOf(token),
      JSON.stringify({ expires_at: Date.now() + lifetimeMs }),
    )
    return token
  }

  /** Redeems a token. Returns whether it was valid, unused and in time. */
  redeem(token: string): boolean {
    const file = this.#fileOf(token)
    try {
      const text = readFileSync(file, 'utf8')
      unlinkSync(file)
      return linkSchema.parse(JSON.parse(text)).expires_at > Date.now()
    } catch {
      // unknown, used, or just redeemed elsewhere: the caller gets the same answer
      return false
    }
  }

  #fileOf(token: string): string {
    return join(this.#folder, `${createHash('sha256').update(token).digest('hex')}.json`)
  }

  #sweep(): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(this.#folder)) {
      const file = join(this.#folder, name)
      if (existsSync(file) && hasExpired(file)) rmSync(file, { force: true })
    }
  }
}

function hasExpired(file: string): boolean {
  try {
    return linkSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).expires_at <= Date.now()
  } catch {
    return true
  }
}

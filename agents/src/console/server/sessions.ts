import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writePrivateFileSync } from '@centralpost/shared/private-files'

const mostSessions = 32

const storedSchema = z.array(
  z.object({ id_hash: z.string(), key_hash: z.string(), expires_at: z.number() }),
)
export type Session = z.infer<typeof storedSchema>[number]

export interface NewSession {
  /** goes into the cookie, which no script can read */
  readonly id: string
  /** bound to the page's origin, unlike a cookie, which goes to every port of its host */
  readonly key: string
  readonly expiresAt: number
}

/**
 * The sessions. Each has two secrets: one in a cookie, one that the page sends in a header. A file
 * keeps only their hashes, so that a restart signs nobody out.
 */
export class Sessions {
  readonly #file: string
  readonly #lifetimeMs: number
  readonly #sessions: Map<string, Session>

  /**
   * @param stateDir the console's folder in the data directory
   * @param lifetimeMs absolute lifetime of a session, in milliseconds
   */
  constructor(stateDir: string, lifetimeMs: number) {
    this.#file = join(stateDir, 'sessions.json')
    this.#lifetimeMs = lifetimeMs
    this.#sessions = new Map(readStored(this.#file).map((session) => [session.id_hash, session]))
  }

  /** @throws {CentralPostError} `storage` */
  begin(): NewSession {
    const [id, key] = [secret(), secret()]
    const expiresAt = Date.now() + this.#lifetimeMs
    const idHash = hashed(id)
    this.#sessions.set(idHash, { id_hash: idHash, key_hash: hashed(key), expires_at: expiresAt })
    for (const [oldest, session] of this.#sessions) {
      if (this.#sessions.size <= mostSessions && session.expires_at > Date.now()) continue
      this.#sessions.delete(oldest)
    }
    this.#save()
    return { id, key, expiresAt }
  }

  /** The session of a cookie, while valid. */
  find(id: string | undefined): Session | undefined {
    const session = id === undefined ? undefined : this.#sessions.get(hashed(id))
    return session !== undefined && session.expires_at > Date.now() ? session : undefined
  }

  /** Whether a session is still valid. */
  isAlive(session: Session): boolean {
    return this.#sessions.get(session.id_hash) === session && session.expires_at > Date.now()
  }

  /** Whether this is the page's half of the session. */
  isKeyOf(session: Session, key: string | undefined): boolean {
    return key !== undefined && hashed(key) === session.key_hash
  }

  end(session: Session): void {
    this.#sessions.delete(session.id_hash)
    this.#save()
  }

  #save(): void {
    writePrivateFileSync(this.#file, JSON.stringify([...this.#sessions.values()]))
  }
}

const secret = (): string => randomBytes(32).toString('base64url')
/** Compares hashes, so that timing reveals nothing about a guess. */
const hashed = (text: string): string => createHash('sha256').update(text).digest('hex')

function readStored(file: string): Session[] {
  try {
    return storedSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    // missing or unreadable: everyone signs in again
    return []
  }
}

import { randomBytes } from 'node:crypto'
import { CentralPostError, isAgentId } from '@centralpost/shared'
import { z } from 'zod'

/** Kinds of identity that are added by name. */
export const identityKinds = ['agent', 'operator'] as const
export type IdentityKind = (typeof identityKinds)[number]

/**
 * The identities that every data directory has: the hub's flow, its endpoints (which only answer), the broker's own
 * watcher, and the one that asks whether answers travel from account to account.
 */
export const ownIdentities = ['hub', 'hub-endpoints', 'system', 'probe'] as const
export type OwnIdentity = (typeof ownIdentities)[number]

export const identitySchema = z.strictObject({
  servers: z.array(z.string().min(1)),
  user: z.string().min(1),
  pass: z.string().min(1),
  inbox_prefix: z.string().min(1),
})
/** What a NATS client needs to be somebody: exactly what `credentials show --json` prints and an identity's file holds. */
export type Identity = z.infer<typeof identitySchema>

/** The broker's user name of an identity. No two kinds share one, and none is that of one of our own. */
export const userName = (kind: IdentityKind, name: string): string => `${kind}-${name}`

/**
 * Makes an identity with a new password.
 *
 * @param user its user name, which is also the token below which it gets its replies
 * @param servers where the broker is
 */
export function newIdentity(user: string, servers: readonly string[]): Identity {
  return {
    servers: [...servers],
    user,
    pass: randomBytes(32).toString('base64url'),
    inbox_prefix: `_INBOX.${user}`,
  }
}

/**
 * Checks a name that is to stand as a token of a subject.
 *
 * @throws {CentralPostError} `invalid_request` with the name and what is allowed
 */
export function checkName(kind: IdentityKind, name: string): void {
  if (isAgentId(name)) return
  throw new CentralPostError(
    'invalid_request',
    `'${name}' cannot name an ${kind}: use 1 to 64 letters, digits, '_' and '-'`,
  )
}

import { randomBytes } from 'node:crypto'
import { CentralPostError, isAgentId } from '@centralpost/shared'
import { z } from 'zod'

/** Kinds of named identities. */
export const identityKinds = ['agent', 'operator'] as const
export type IdentityKind = (typeof identityKinds)[number]

/**
 * The identities of every data directory: the hub's flow, its endpoints (which only answer), the
 * broker's monitor, and the probe that tests answers across accounts.
 */
export const ownIdentities = ['hub', 'hub-endpoints', 'system', 'probe'] as const
export type OwnIdentity = (typeof ownIdentities)[number]

export const identitySchema = z.strictObject({
  servers: z.array(z.string().min(1)),
  user: z.string().min(1),
  pass: z.string().min(1),
  inbox_prefix: z.string().min(1),
})
/**
 * The credentials of a NATS client: the output of `credentials show --json` and the content of an
 * identity's file.
 */
export type Identity = z.infer<typeof identitySchema>

/** The broker's user name of an identity. Unique across kinds and internal identities. */
export const userName = (kind: IdentityKind, name: string): string => `${kind}-${name}`

/**
 * Makes an identity with a new password.
 *
 * @param user its user name, which is also the prefix token of its inboxes
 * @param servers the broker's addresses
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
 * Checks that a name is a valid subject token.
 *
 * @throws {CentralPostError} `invalid_request` with the name and the allowed characters
 */
export function checkName(kind: IdentityKind, name: string): void {
  if (isAgentId(name)) return
  throw new CentralPostError(
    'invalid_request',
    `'${name}' is not a valid name for an ${kind}: use 1 to 64 letters, digits, '_' and '-'`,
  )
}

import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CentralPostError, isAgentId, messageOf } from '@centralpost/shared'
import { ensureBrokerState } from './broker-state.ts'
import {
  makePrivateFolder,
  readIfPresent,
  writePrivateFile,
} from '@centralpost/shared/private-files'
import {
  checkName,
  type Identity,
  type IdentityKind,
  identityKinds,
  identitySchema,
  newIdentity,
  type OwnIdentity,
  ownIdentities,
  userName,
} from './identity.ts'
import { LockFile } from './lock-file.ts'

/** How long to wait for another process that changes the credentials, in milliseconds. */
const lockWaitMs = 10_000

export interface NamedIdentity {
  readonly kind: IdentityKind
  readonly name: string
  readonly identity: Identity
}

/** All identities of the broker. */
export interface AllIdentities {
  readonly own: Readonly<Record<OwnIdentity, Identity>>
  readonly named: readonly NamedIdentity[]
}

/**
 * The identities of one data directory, one file each, readable only by the owner. Several
 * processes may use one store at the same time.
 */
export class CredentialStore {
  readonly #folder: string
  readonly #servers: readonly string[]

  private constructor(folder: string, servers: readonly string[]) {
    this.#folder = folder
    this.#servers = servers
  }

  /**
   * Opens the store of a data directory; creates missing folders and the identities of hub and
   * broker.
   *
   * @throws {CentralPostError} `storage` when the directory is not writable
   */
  static async open(dataDir: string): Promise<CredentialStore> {
    const folder = join(dataDir, 'credentials')
    for (const path of [dataDir, folder, ...identityKinds.map((kind) => folderOf(folder, kind))]) {
      await makePrivateFolder(path)
    }
    const { url } = await ensureBrokerState(dataDir)
    const store = new CredentialStore(folder, [url])
    await store.#makeOwn()
    return store
  }

  /** Whether a data directory has a store. */
  static async existsIn(dataDir: string): Promise<boolean> {
    return (await readIfPresent(join(dataDir, 'credentials', 'hub.json'))) !== undefined
  }

  /**
   * Adds an identity.
   *
   * @throws {CentralPostError} `invalid_request` for a name that is not a valid subject token,
   *   `conflict` for an existing one
   */
  async add(kind: IdentityKind, name: string): Promise<Identity> {
    checkName(kind, name)
    await using lock = await this.#lock()
    if (await this.#read(this.#fileOf(kind, name))) {
      throw new CentralPostError(
        'conflict',
        `the ${kind} '${name}' exists already: see \`centralpost credentials show ${kind} ` +
          `${name}\`, or revoke it first to give it a new password`,
      )
    }
    return this.#make(kind, name)
  }

  /** The identity of this name; created if missing. */
  async ensure(kind: IdentityKind, name: string): Promise<Identity> {
    checkName(kind, name)
    await using lock = await this.#lock()
    return (await this.#read(this.#fileOf(kind, name))) ?? (await this.#make(kind, name))
  }

  /**
   * Revokes an identity. A running broker accepts it until it is reloaded.
   *
   * @throws {CentralPostError} `not_found` for an unknown name
   */
  async revoke(kind: IdentityKind, name: string): Promise<void> {
    await using lock = await this.#lock()
    await this.show(kind, name)
    await rm(this.#fileOf(kind, name))
  }

  /**
   * The credentials of an identity, for a client.
   *
   * @throws {CentralPostError} `not_found` for an unknown name
   */
  async show(kind: IdentityKind, name: string): Promise<Identity> {
    checkName(kind, name)
    const identity = await this.#read(this.#fileOf(kind, name))
    if (identity) return identity
    throw new CentralPostError(
      'not_found',
      `no ${kind} '${name}': add it with \`centralpost credentials add ${kind} ${name}\``,
    )
  }

  /** The credentials of an internal process. */
  async own(which: OwnIdentity): Promise<Identity> {
    const identity = await this.#read(join(this.#folder, `${which}.json`))
    if (identity) return identity
    throw new CentralPostError('not_found', `the credentials of '${which}' are gone: start again`)
  }

  /** All added identities, by kind and name. */
  async list(): Promise<NamedIdentity[]> {
    const found: NamedIdentity[] = []
    for (const kind of identityKinds) {
      const files = await readdir(folderOf(this.#folder, kind))
      const names = files.filter((f) => f.endsWith('.json')).map((f) => f.slice(0, -'.json'.length))
      for (const name of names.filter(isAgentId).toSorted()) {
        const identity = await this.#read(this.#fileOf(kind, name))
        // Revoked between listing the folder and reading the file.
        if (identity) found.push({ kind, name, identity })
      }
    }
    return found
  }

  /** All identities for the broker's configuration. */
  async all(): Promise<AllIdentities> {
    const entries = ownIdentities.map(async (which) => [which, await this.own(which)] as const)
    const own = Object.fromEntries(await Promise.all(entries)) as Record<OwnIdentity, Identity>
    return { own, named: await this.list() }
  }

  /** Updates the broker's address in every identity. */
  async moveTo(url: string): Promise<void> {
    await using lock = await this.#lock()
    const { own, named } = await this.all()
    const files = [
      ...ownIdentities.map((which) => [join(this.#folder, `${which}.json`), own[which]] as const),
      ...named.map(({ kind, name, identity }) => [this.#fileOf(kind, name), identity] as const),
    ]
    for (const [file, identity] of files) {
      if (identity.servers.join() !== url) await write(file, { ...identity, servers: [url] })
    }
  }

  async #makeOwn(): Promise<void> {
    await using lock = await this.#lock()
    for (const which of ownIdentities) {
      const file = join(this.#folder, `${which}.json`)
      if (!(await this.#read(file))) await write(file, newIdentity(which, this.#servers))
    }
  }

  async #make(kind: IdentityKind, name: string): Promise<Identity> {
    const hub = await this.own('hub')
    const identity = newIdentity(userName(kind, name), hub.servers)
    await write(this.#fileOf(kind, name), identity)
    return identity
  }

  #fileOf(kind: IdentityKind, name: string): string {
    return join(folderOf(this.#folder, kind), `${name}.json`)
  }

  #lock(): Promise<LockFile> {
    return LockFile.take(join(this.#folder, 'lock'), { waitMs: lockWaitMs })
  }

  async #read(file: string): Promise<Identity | undefined> {
    const text = await readIfPresent(file)
    if (text === undefined) return undefined
    try {
      return identitySchema.parse(JSON.parse(text))
    } catch (error) {
      throw new CentralPostError(
        'storage',
        `${file} contains no valid credentials (${messageOf(error)}): delete it and add the identity again`,
        { cause: error },
      )
    }
  }
}

function folderOf(folder: string, kind: IdentityKind): string {
  return join(folder, `${kind}s`)
}

function write(file: string, identity: Identity): Promise<void> {
  return writePrivateFile(file, `${JSON.stringify(identity)}\n`)
}

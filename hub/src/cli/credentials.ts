import { resolve } from 'node:path'
import { CentralPostError, messageOf, exitCodeOfError } from '@centralpost/shared'
import { Argument, type Command } from 'commander'
import { CredentialStore } from '../broker/credentials.ts'
import { type Identity, type IdentityKind, identityKinds } from '../broker/identity.ts'
import { findRunningBroker, reloadBroker } from '../broker/reload.ts'

interface Options {
  readonly data: string
  readonly json?: boolean
}

const details = `
Every identity has its own user name and password on the broker, kept in DIR/credentials in files that only their owner
may read. An agent may request under its own name only; an operator may approve under its own name only. A running broker
applies a change immediately, without disconnecting others.

Exit codes: 64 an invalid name, 66 an unknown name, 69 the broker did not take the change,
73 an existing name, 74 unreadable or unwritable files.`

/** Adds `credentials add|show|list|revoke` to a command line. */
export function addCredentialsCommand(program: Command): void {
  const credentials = program
    .command('credentials')
    .description('manage agents and operators of the embedded broker')
    .addHelpText('after', details)
  identityCommand(credentials, 'add', 'add an agent or operator').action(
    (kind: IdentityKind, name: string, options: Options) => told(() => add(kind, name, options)),
  )
  identityCommand(credentials, 'show', 'print the credentials for a NATS client').action(
    (kind: IdentityKind, name: string, options: Options) => told(() => show(kind, name, options)),
  )
  identityCommand(credentials, 'revoke', 'revoke an agent or operator and disconnect it').action(
    (kind: IdentityKind, name: string, options: Options) => told(() => revoke(kind, name, options)),
  )
  withOptions(credentials.command('list').description('list agents and operators')).action(
    (options: Options) => told(() => list(options)),
  )
}

function identityCommand(parent: Command, verb: string, description: string): Command {
  const command = parent
    .command(verb)
    .description(description)
    .addArgument(new Argument('<kind>', 'agent or operator').choices(identityKinds))
    .argument('<name>', "letters, digits, '_' and '-'; at most 64")
  return withOptions(command)
}

function withOptions(command: Command): Command {
  return command
    .option(
      '--data <dir>',
      'the data directory (env: CENTRALPOST_DATA)',
      process.env['CENTRALPOST_DATA'] || '.centralpost',
    )
    .option('--json', 'print JSON')
}

async function add(kind: IdentityKind, name: string, options: Options): Promise<void> {
  const store = await CredentialStore.open(resolve(options.data))
  const identity = await store.add(kind, name)
  const isRunning = await reloadBroker(options.data)
  if (options.json) {
    print(JSON.stringify(identity))
    return
  }
  print(
    `added ${kind} ${name}: the broker ${isRunning ? 'accepts it now' : 'will accept it when started'}`,
  )
  print(`its credentials: centralpost credentials show ${kind} ${name}`)
}

async function show(kind: IdentityKind, name: string, options: Options): Promise<void> {
  const store = await openExisting(options.data)
  const identity = await store.show(kind, name)
  print(options.json ? JSON.stringify(identity) : readable(identity))
}

async function revoke(kind: IdentityKind, name: string, options: Options): Promise<void> {
  const store = await openExisting(options.data)
  await store.revoke(kind, name)
  const isRunning = await reloadBroker(options.data)
  if (options.json) {
    print(JSON.stringify({ kind, name, broker_reloaded: isRunning }))
    return
  }
  print(`revoked ${kind} ${name}${isRunning ? ': the broker refuses it now' : ''}`)
}

async function list(options: Options): Promise<void> {
  const store = await openExisting(options.data)
  const found = await store.list()
  if (options.json) {
    print(JSON.stringify(found.map(({ kind, name, identity: { user } }) => ({ kind, name, user }))))
    return
  }
  const running = await findRunningBroker(options.data)
  print(running ? `broker: ${running.url}` : 'broker: not running')
  if (found.length === 0) print('none yet: add one with centralpost credentials add agent NAME')
  for (const { kind, name, identity } of found) {
    print(`${kind.padEnd(9)} ${name.padEnd(24)} user ${identity.user}`)
  }
}

/** Opens an existing store only: looking at a mistyped directory must not create one. */
async function openExisting(data: string): Promise<CredentialStore> {
  if (await CredentialStore.existsIn(resolve(data))) return CredentialStore.open(resolve(data))
  throw new CentralPostError(
    'not_found',
    `${resolve(data)} is not a data directory of CentralPost: name one with --data or ` +
      'CENTRALPOST_DATA, or create one with `centralpost credentials add`',
  )
}

function readable(identity: Identity): string {
  return [
    `servers       ${identity.servers.join(', ')}`,
    `user          ${identity.user}`,
    `password      ${identity.pass}`,
    `inbox prefix  ${identity.inbox_prefix}`,
  ].join('\n')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function told(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    process.stderr.write(`centralpost: ${messageOf(error)}\n`)
    process.exitCode = exitCodeOfError(error)
  }
}

import { agentEventSubjects, allRequests, requestSubject } from '@centralpost/shared'
import type { AllIdentities, NamedIdentity } from './credentials.ts'
import type { Identity, OwnIdentity } from './identity.ts'

/** Address and files of the server. */
export interface BrokerSettings {
  readonly host: string
  readonly port: number
  /** the folder of JetStream's files */
  readonly storeDir: string
  /** the log file; standard error when absent */
  readonly logFile?: string
  /** HTTP monitoring on the same host; disabled when absent */
  readonly httpPort?: number
}

// An agent's account bears the agent's name, because `account_token_position` compares the two.
// Internal accounts contain a character that no agent's name can have.
const hubAccount = 'hub@centralpost'
const systemAccount = 'system@centralpost'
const probeAccount = 'probe@centralpost'

/**
 * The probe's request, which shows that answers travel from the hub's account to another one.
 * JetStream answers it.
 */
export const probeSubject = 'CENTRAL_POST.probe'
const answeredByJetStream = '$JS.API.INFO'

const maxPayloadBytes = 1_048_576
/**
 * The server's own default is three quarters of the free space at its start: with more stored, it
 * accepts nothing. Streams and hub bound the stored data.
 */
const maxStore = '1TB'
const logSizeLimitBytes = 16_777_216

/** The hub's messages about actions, read by agents and operators. */
const events = agentEventSubjects.map((kind) => `${kind}.>`)

interface Permissions {
  readonly publish: readonly string[]
  readonly neverPublish?: readonly string[]
  readonly subscribe: readonly string[]
}

const permissionsOfOwn: Readonly<Record<Exclude<OwnIdentity, 'system'>, Permissions>> = {
  hub: {
    publish: [...events, 'CENTRAL_POST.hub.>', '$JS.API.>', '$JS.ACK.>'],
    subscribe: ['_INBOX.hub.>', 'CENTRAL_POST.hub.>', '$JS.EVENT.ADVISORY.>'],
  },
  // Endpoints answer on a reply subject chosen by the requester, and the broker does not check
  // reply subjects. This identity may therefore publish to inboxes only; `_R_` carries replies into
  // other accounts.
  'hub-endpoints': {
    publish: ['_R_.>', '_INBOX.>'],
    neverPublish: ['_INBOX.hub.>', '_INBOX.hub-endpoints.>'],
    subscribe: [
      '_INBOX.hub-endpoints.>',
      'CENTRAL_POST.agent.>',
      'CENTRAL_POST.operator.>',
      '$SRV.>',
    ],
  },
  probe: { publish: [probeSubject], subscribe: ['_INBOX.probe.>'] },
}

/**
 * Generates a nats-server configuration in which no identity can act as another: one account per
 * agent, with imports of that agent's subjects only, and allow lists for hub and operators in the
 * hub's account. No `authorization` block: together with accounts it admits everyone on servers
 * before 2.9.23 (CVE-2023-47090).
 */
export function brokerConfig(identities: AllIdentities, settings: BrokerSettings): string {
  const { own, named } = identities
  const agents = named.filter(({ kind }) => kind === 'agent')
  const operators = named.filter(({ kind }) => kind === 'operator')
  const hubUsers = [
    user(own.hub, permissionsOfOwn.hub),
    user(own['hub-endpoints'], permissionsOfOwn['hub-endpoints']),
    ...operators.map(({ name, identity }) => user(identity, operatorPermissions(name, identity))),
  ]
  return `${[
    'server_name: "centralpost"',
    `host: ${quote(settings.host)}`,
    `port: ${settings.port}`,
    ...(settings.httpPort === undefined
      ? []
      : [`http: ${quote(`${settings.host}:${settings.httpPort}`)}`]),
    ...(settings.logFile === undefined
      ? []
      : [`log_file: ${quote(settings.logFile)}`, `log_size_limit: ${logSizeLimitBytes}`]),
    `max_payload: ${maxPayloadBytes}`,
    `jetstream { store_dir: ${quote(settings.storeDir)}, max_file_store: ${maxStore} }`,
    `system_account: ${quote(systemAccount)}`,
    'accounts {',
    `  ${quote(hubAccount)}: {`,
    '    jetstream: enabled',
    '    users: [',
    ...hubUsers.map((line) => `      ${line}`),
    '    ]',
    '    exports: [',
    ...exports().map((line) => `      ${line}`),
    '    ]',
    '  }',
    ...agents.flatMap(agentAccount),
    ...probeAccountOf(own.probe),
    `  ${quote(systemAccount)}: { users: [ ${user(own.system)} ] }`,
    '}',
  ].join('\n')}\n`
}

function probeAccountOf(probe: Identity): string[] {
  const asked = `{ account: ${quote(hubAccount)}, subject: ${quote(answeredByJetStream)} }`
  return [
    `  ${quote(probeAccount)}: {`,
    `    users: [ ${user(probe, permissionsOfOwn.probe)} ]`,
    `    imports: [ { service: ${asked}, to: ${quote(probeSubject)} } ]`,
    '  }',
  ]
}

function operatorPermissions(name: string, identity: Identity): Permissions {
  return {
    publish: [`CENTRAL_POST.operator.${name}.>`, '$SRV.>'],
    subscribe: [`${identity.inbox_prefix}.>`, allRequests, ...events, 'CENTRAL_POST.hub.>'],
  }
}

function exports(): string[] {
  return [
    `{ service: ${quote(allRequests)}, account_token_position: 2 }`,
    '{ service: "CENTRAL_POST.agent.*.>", account_token_position: 3 }',
    `{ service: ${quote(answeredByJetStream)}, accounts: [ ${quote(probeAccount)} ] }`,
    ...agentEventSubjects.map(
      (kind) => `{ stream: ${quote(`${kind}.*.>`)}, account_token_position: 2 }`,
    ),
  ]
}

function agentAccount({ name, identity }: NamedIdentity): string[] {
  const services = [requestSubject(name), `CENTRAL_POST.agent.${name}.>`]
  const streams = agentEventSubjects.map((kind) => `${kind}.${name}.>`)
  const permissions = { publish: services, subscribe: ['_INBOX.>', ...streams] }
  const from = (subject: string) => `{ account: ${quote(hubAccount)}, subject: ${quote(subject)} }`
  return [
    `  ${quote(name)}: {`,
    `    users: [ ${user(identity, permissions)} ]`,
    '    imports: [',
    ...services.map((subject) => `      { service: ${from(subject)} }`),
    ...streams.map((subject) => `      { stream: ${from(subject)} }`),
    '    ]',
    '  }',
  ]
}

function user(identity: Identity, permissions?: Permissions): string {
  const login = `user: ${quote(identity.user)}, password: ${quote(identity.pass)}`
  if (!permissions) return `{ ${login} }`
  const publish = rules(permissions.publish, permissions.neverPublish)
  const subscribe = rules(permissions.subscribe)
  return `{ ${login}, permissions: { publish: ${publish}, subscribe: ${subscribe} } }`
}

function rules(allow: readonly string[], deny: readonly string[] = []): string {
  const denied = deny.length === 0 ? '' : `, deny: [ ${deny.map(quote).join(', ')} ]`
  return `{ allow: [ ${allow.map(quote).join(', ')} ]${denied} }`
}

/** The server's quoted strings use JSON's escapes for quotes, backslashes and line ends. */
function quote(text: string): string {
  return JSON.stringify(text)
}

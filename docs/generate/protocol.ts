import {
  acceptCallSchema,
  acceptReplySchema,
  actionApprovedSchema,
  actionCallSchema,
  actionDeniedSchema,
  actionOutputSchema,
  actionReplySchema,
  actionRequestSchema,
  actionResultSchema,
  actionStartSchema,
  type AgentEndpoint,
  agentEndpointNames,
  agentEndpointSubject,
  agentPatternsCallSchema,
  agentPatternsReplySchema,
  allRequests,
  approvalNeededSchema,
  approvalNeededSubject,
  approvedSubject,
  approveCallSchema,
  cancelCallSchema,
  cancelReplySchema,
  classifyCallSchema,
  decisionReplySchema,
  deniedSubject,
  denyCallSchema,
  emptyCallSchema,
  exportCallSchema,
  exportReplySchema,
  historyCallSchema,
  historyReplySchema,
  hubsReplySchema,
  type OperatorEndpoint,
  operatorEndpointNames,
  operatorEndpointSubject,
  operatorPatternsCallSchema,
  operatorPatternsReplySchema,
  outputCallSchema,
  outputReplySchema,
  outputSubject,
  overviewCallSchema,
  overviewReplySchema,
  pendingCallSchema,
  pendingReplySchema,
  type ProblemCode,
  problemCodes,
  proposalsCallSchema,
  proposalsReplySchema,
  requestSubject,
  resultCallSchema,
  resultReplySchema,
  resultSubject,
  rulesCallSchema,
  rulesReplySchema,
  ruleChangedSchema,
  ruleChangedSubject,
  segmentsCallSchema,
  segmentsReplySchema,
  startSubject,
  stateCallSchema,
  stateReplySchema,
  statsCallSchema,
  statsReplySchema,
  verdictSchema,
  verifyCallSchema,
  verifyReplySchema,
  violationsCallSchema,
  violationsReplySchema,
} from '@centralpost/shared'
import type { z } from 'zod'
import { jsonSchemaOf, tableOf } from './schema-table.ts'

interface Message {
  readonly subject: string
  readonly way: string
  readonly carrier: string
  readonly text: string
  readonly schema: z.ZodType
}

interface Call {
  readonly text: string
  readonly call: z.ZodType
  readonly reply: z.ZodType
}

const messages: readonly Message[] = [
  {
    subject: requestSubject('<agent>'),
    way: 'agent → hub',
    carrier: 'JetStream work queue `SYSTEM_ACTIONS`',
    text:
      'An agent asks for a command. Exactly one of `command` and `argv` is given. The subject names the agent; the ' +
      'broker refuses any other. Wait for the broker’s acknowledgement; without one, publish again under the same ' +
      '`action_id`: agent and action id together are one action.',
    schema: actionRequestSchema,
  },
  {
    subject: resultSubject('<agent>', '<action>'),
    way: 'hub → agent',
    carrier: 'JetStream stream `SYSTEM_ACTION_RESULTS`',
    text:
      'The one end of an action. Every accepted request has exactly one; the same message may arrive twice. ' +
      'Subscribe before you ask.',
    schema: actionResultSchema,
  },
  {
    subject: approvalNeededSubject('<agent>', '<action>'),
    way: 'hub → operators, agent',
    carrier: 'core NATS',
    text: 'A REVIEW action waits for a person. The message holds all that an approval would bind.',
    schema: approvalNeededSchema,
  },
  {
    subject: approvedSubject('<agent>', '<action>'),
    way: 'hub → operators, agent',
    carrier: 'core NATS',
    text: 'An operator approved. `cleared` says whether further operators must approve.',
    schema: actionApprovedSchema,
  },
  {
    subject: deniedSubject('<agent>', '<action>'),
    way: 'hub → operators, agent',
    carrier: 'core NATS',
    text: 'An operator or the policy refused the action. Its result follows.',
    schema: actionDeniedSchema,
  },
  {
    subject: startSubject('<agent>', '<action>'),
    way: 'hub → operators, agent',
    carrier: 'core NATS',
    text: 'The command starts now.',
    schema: actionStartSchema,
  },
  {
    subject: outputSubject('<agent>', '<action>'),
    way: 'hub → operators, agent',
    carrier: 'core NATS',
    text:
      'One chunk of live output. `seq` counts from 0 over both streams; a gap, with `skipped_bytes` on the next ' +
      'chunk, marks output that a flood left out here. The hub keeps all of it.',
    schema: actionOutputSchema,
  },
  {
    subject: ruleChangedSubject,
    way: 'hub → operators',
    carrier: 'core NATS',
    text: 'An operator made or revoked an always rule.',
    schema: ruleChangedSchema,
  },
]

const agentCalls: Readonly<Record<AgentEndpoint, Call>> = {
  result: {
    text: 'The state of an own action, with its result once it has ended.',
    call: resultCallSchema,
    reply: resultReplySchema,
  },
  cancel: {
    text: 'Ends an own action at any stage.',
    call: cancelCallSchema,
    reply: cancelReplySchema,
  },
  state: {
    text: 'Facts about the machine from a directory: user, time, load, memory, disk, virtual environment.',
    call: stateCallSchema,
    reply: stateReplySchema,
  },
  classify: {
    text: 'The verdict on a command, without running it.',
    call: classifyCallSchema,
    reply: verdictSchema,
  },
  patterns: {
    text: 'Sequences that worked for a task like this, or remedies for a failure like that.',
    call: agentPatternsCallSchema,
    reply: agentPatternsReplySchema,
  },
}

const operatorCalls: Readonly<Record<OperatorEndpoint, Call>> = {
  pending: {
    text: 'Actions that wait for a person, oldest first.',
    call: pendingCallSchema,
    reply: pendingReplySchema,
  },
  approve: {
    text: 'Approves an action. With `digest`, only what was shown under that digest.',
    call: approveCallSchema,
    reply: decisionReplySchema,
  },
  deny: {
    text: 'Refuses an action; the reason reaches the agent.',
    call: denyCallSchema,
    reply: decisionReplySchema,
  },
  cancel: {
    text: 'Ends any action at any stage.',
    call: cancelCallSchema,
    reply: cancelReplySchema,
  },
  result: {
    text: 'The state of any action, with its result once it has ended.',
    call: resultCallSchema,
    reply: resultReplySchema,
  },
  output: {
    text: 'A page of everything that a stream of an action printed.',
    call: outputCallSchema,
    reply: outputReplySchema,
  },
  history: {
    text: 'Searches and lists executions.',
    call: historyCallSchema,
    reply: historyReplySchema,
  },
  action: {
    text: 'One execution with its audit trail.',
    call: actionCallSchema,
    reply: actionReplySchema,
  },
  stats: {
    text: 'Success and duration, of one command or of all.',
    call: statsCallSchema,
    reply: statsReplySchema,
  },
  overview: {
    text: 'A range of time in figures.',
    call: overviewCallSchema,
    reply: overviewReplySchema,
  },
  patterns: {
    text: 'Sequences that work, failures, and remedies; makes and ends patterns.',
    call: operatorPatternsCallSchema,
    reply: operatorPatternsReplySchema,
  },
  proposals: {
    text: 'Always rules that repeated approvals speak for.',
    call: proposalsCallSchema,
    reply: proposalsReplySchema,
  },
  accept: {
    text: 'Makes a proposed rule, if it is still proposed word for word.',
    call: acceptCallSchema,
    reply: acceptReplySchema,
  },
  violations: {
    text: 'Python packages installed outside a virtual environment.',
    call: violationsCallSchema,
    reply: violationsReplySchema,
  },
  classify: {
    text: 'The verdict on a command, without running it.',
    call: classifyCallSchema,
    reply: verdictSchema,
  },
  rules: {
    text: 'Lists always rules; `revoke` ends one.',
    call: rulesCallSchema,
    reply: rulesReplySchema,
  },
  hubs: {
    text: 'Each hub that serves, and its state.',
    call: emptyCallSchema,
    reply: hubsReplySchema,
  },
  verify: {
    text: 'Recomputes the audit chain and compares it with checkpoints.',
    call: verifyCallSchema,
    reply: verifyReplySchema,
  },
  export: {
    text: 'Executions as JSON lines or CSV, in pages.',
    call: exportCallSchema,
    reply: exportReplySchema,
  },
  segments: {
    text: 'Sealed parts of the audit trail; `seal` makes one.',
    call: segmentsCallSchema,
    reply: segmentsReplySchema,
  },
}

const problems: Readonly<Record<ProblemCode, string>> = {
  invalid_request: 'The request or call is malformed; the message names the field.',
  invalid_config: 'A setting or rule is wrong; the message names file and path.',
  not_found: 'No action, rule or segment has this id, or it belongs to another agent.',
  conflict: 'Something else was decided, or used this id, first; `details` say what and when.',
  forbidden: 'The caller may not do this.',
  draining: 'The hub is stopping. Call again.',
  unavailable: 'The hub, broker or database is away or busy. Call again.',
  storage: 'The database or disk failed.',
  internal: 'A fault of the hub; its log has the details.',
}

const section = (
  endpoint: string,
  subject: string,
  { text, call, reply }: Call,
): string => `### \`${endpoint}\`

\`${subject}\`: ${text}

Call:

${tableOf(jsonSchemaOf(call, 'input'))}
Reply:

${tableOf(jsonSchemaOf(reply, 'output'))}`

/** The text of docs/protocol.md: every subject with its schema. */
export function protocolPage(): string {
  return `# The protocol

<!-- Generated from the schemas by \`npm run docs\`; edit docs/generate/protocol.ts or the schemas in shared/src/messages. -->

Everything between agents, operators and hubs crosses NATS as UTF-8 JSON in snake_case, with \`"schema": 1\`. This page is
enough to write an agent in any language; [agents/examples](../agents/examples) holds some. A \`?\` marks a field that may be
absent. The names \`<agent>\` and \`<operator>\` match \`[A-Za-z0-9_-]{1,64}\`, as does \`<action>\`, the action id.

## Connecting

\`centralpost credentials add agent NAME\` makes an identity on the embedded broker, and
\`centralpost credentials show agent NAME --json\` prints \`{"servers":[…],"user":…,"pass":…,"inbox_prefix":…}\`. Pass all four
to the client; the inbox prefix matters, because an agent may listen to replies below its own prefix only.

## An action's life, on the wire

1. Subscribe to \`${resultSubject('<agent>', '<action>')}\` (or \`${resultSubject('<agent>', '>')}\`).
2. Publish the request to JetStream on \`${requestSubject('<agent>')}\` and await the acknowledgement. Not acknowledged: publish
   the same again, with the same \`action_id\`.
3. SAFE starts at once. REVIEW waits for a person; \`${approvalNeededSubject('<agent>', '<action>')}\` tells it. BLOCKED ends at
   once as \`denied\`.
4. The result arrives, once or twice, always the same. An agent that missed it calls
   \`${agentEndpointSubject('<agent>', 'result')}\`.

## Guarantees

- **Order**: requests of one agent are judged in the order in which the broker stored them. Commands of one agent may run at
  the same time and end in any order.
- **Repeats**: a request may be published again any number of times and stays one action. The same action id with another
  content is \`rejected\` under that id; the first action goes on.
- **Results**: at least once on the bus, at most twice; kept by the broker for \`broker.result_days\` and asked for by id later.
- **Events** other than results travel on core NATS: only current subscribers receive them.
- **Headers**: W3C \`traceparent\` and \`tracestate\` of a request are continued by the hub's spans.

## Messages

| subject | from → to | carrier |
| --- | --- | --- |
${messages.map(({ subject, way, carrier }) => `| \`${subject}\` | ${way} | ${carrier} |`).join('\n')}
| \`${agentEndpointSubject('<agent>', '<endpoint>' as AgentEndpoint)}\` | agent → hub | request and reply: ${agentEndpointNames.map((one) => `\`${one}\``).join(', ')} |
| \`${operatorEndpointSubject('<operator>', '<endpoint>' as OperatorEndpoint)}\` | operator → hub | request and reply: ${operatorEndpointNames.map((one) => `\`${one}\``).join(', ')} |

The hub reads \`${allRequests}\`. \`nats micro ls\` lists the endpoints.

${messages
  .map(
    ({ subject, text, schema }) =>
      `### \`${subject}\`\n\n${text}\n\n${tableOf(jsonSchemaOf(schema, schema === actionRequestSchema ? 'input' : 'output'))}`,
  )
  .join('\n')}
## Calls of an agent

A call is a NATS request; its answer is the reply object with \`"schema": 1\`. A fault sets the header
\`Nats-Service-Error-Code\` and answers \`{"schema":1,"error":{"code":…,"message":…,"details":{…}}}\`.

${agentEndpointNames.map((name) => section(name, agentEndpointSubject('<agent>', name), agentCalls[name])).join('\n')}
## Calls of an operator

${operatorEndpointNames.map((name) => section(name, operatorEndpointSubject('<operator>', name), operatorCalls[name])).join('\n')}
## Faults

| code | meaning |
| --- | --- |
${problemCodes.map((code) => `| \`${code}\` | ${problems[code]} |`).join('\n')}
`
}

// An agent in twenty lines, with nothing but the nats package. Any language that speaks NATS can do the same.
//   centralpost credentials add agent NAME
//   centralpost credentials show agent NAME --json > NAME.json
//   node plain-client.mjs NAME.json NAME 'git status --short'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'nats'

const [file, agent, command] = process.argv.slice(2)
const { inbox_prefix: inboxPrefix, ...who } = JSON.parse(readFileSync(file, 'utf8'))
const connection = await connect({ ...who, inboxPrefix })
const actionId = randomUUID()

// listen before asking: a quick result is there before the confirmation
const results = connection.subscribe(`SYSTEM_ACTION_RESULT.${agent}.${actionId}`, { max: 1 })
const request = { schema: 1, action_id: actionId, command }
// resolves when the broker has stored the request; trying again under the same action id is safe
await connection.jetstream().publish(`SYSTEM_ACTION_REQUEST.${agent}`, JSON.stringify(request))
for await (const message of results) process.stdout.write(`${message.string()}\n`)
await connection.drain()

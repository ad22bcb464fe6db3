import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import type { ActionResult } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

const run = promisify(execFile)
const client = fileURLToPath(new URL('../../agents/examples/plain-client.mjs', import.meta.url))

test('a client of twenty lines with only the nats package gets its result, and its life is seen in order', async () => {
  await using it = await TestHub.start()
  const alice = await it.operator('alice')
  const kinds: string[] = []
  alice.tail((event) => kinds.push(event.kind))
  await alice.flush()
  const file = join(it.workspace, 'credentials.json')
  await writeFile(file, JSON.stringify(await it.broker.credentials('agent', 'agent-a')))

  const { stdout } = await run(process.execPath, [client, file, 'agent-a', 'echo hello from afar'])

  expect(JSON.parse(stdout) as ActionResult).toMatchObject({
    agent_id: 'agent-a',
    status: 'completed',
    stdout: 'hello from afar\n',
  })
  await eventually(() => kinds.includes('result'))
  expect(kinds).toEqual(['request', 'start', 'output', 'result'])
})

test('that client imports nothing but nats and Node, and is no longer than it claims', async () => {
  const text = await readFile(client, 'utf8')
  const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name)
  expect(imported.filter((name) => !name?.startsWith('node:'))).toEqual(['nats'])
  const code = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('//'))
  expect(code.length).toBeLessThanOrEqual(20)
})

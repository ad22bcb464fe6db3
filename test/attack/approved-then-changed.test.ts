import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Agent, Operator } from '@centralpost/agents'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

// An agent shows one script and puts another in its place before it is approved, with the digest that was shown.

let it: TestHub
let agent: Agent
let operator: Operator

beforeAll(async () => {
  it = await TestHub.start({ config: { approvals: { denials_to_cool_down: 100 } } })
  agent = await it.agent()
  operator = await it.operator()
})

afterAll(() => it[Symbol.asyncDispose]())

test.each([
  ['cd a && cd b && bash run.sh', 'a/b/run.sh'],
  ['bash "$PWD/one.sh"', 'one.sh'],
  ['bash "run me.sh" | cat', 'run me.sh'],
  [['sh', '-c', '. ./inc'], 'inc'],
  ['make --file=build.mk', 'build.mk'],
  ['run-parts ./parts', 'parts/step'],
  ['for f in two.sh; do bash "$f"; done', 'two.sh'],
] as const)('%j never runs what %s holds by the time it starts', async (command, file) => {
  await mkdir(join(it.workspace, 'a/b'), { recursive: true })
  await mkdir(join(it.workspace, 'parts'), { recursive: true })
  const recipe = (word: string) =>
    file.endsWith('.mk') ? `all:\n\techo ${word} > ran\n` : `#!/bin/sh\necho ${word} > ran\n`
  await writeFile(join(it.workspace, file), recipe('shown'), { mode: 0o755 })
  const asked = await agent.requestAction(
    typeof command === 'string' ? { command } : { argv: [...command] },
  )
  const shown = await eventually(async () =>
    (await operator.pending()).find((one) => one.action_id === asked.actionId),
  )

  await writeFile(join(it.workspace, file), recipe('CHANGED'))
  await operator.approve(asked.actionId, { digest: shown.digest })

  const back = await eventually(async () =>
    (await operator.pending()).find((one) => one.digest !== shown.digest),
  )
  expect(back.verdict.reasons[0]).toContain(`file ${join(it.workspace, file)}`)
  await expect(readFile(join(it.workspace, 'ran'))).rejects.toThrow('ENOENT')
  await operator.deny(asked.actionId, 'it has changed')
})

test.each([
  ['npm test --silent 2>&1 | tail -n 20', 'package.json'],
  ['run-parts ./steps', 'steps/one'],
] as const)('an always rule over %j holds no more when %s is another', async (command, file) => {
  const path = join(it.workspace, file)
  await mkdir(dirname(path), { recursive: true })
  const text = (word: string) =>
    file === 'package.json' ? `{"scripts": {"test": "echo ${word}"}}` : `#!/bin/sh\necho ${word}\n`
  await writeFile(path, text('shown'), { mode: 0o755 })
  const first = await agent.requestAction(command)
  await eventually(async () => (await operator.pending()).length === 1)
  const { rule_id: ruleId } = await operator.approve(first.actionId, {
    decision: 'approve_always_exact',
  })
  await first.result()
  const again = await agent.requestAction(command)
  expect(await again.result()).toMatchObject({ approved_by: `rule:${ruleId}`, stdout: 'shown\n' })

  await writeFile(path, text('CHANGED'))
  const later = await agent.requestAction(command)

  const asked = await eventually(async () => (await operator.pending())[0])
  expect(asked.verdict.reasons[0]).toBe(
    `the always rule ${ruleId} is void: changed since the rule was made: file ${path}`,
  )
  await operator.deny(later.actionId, 'it has changed')
})

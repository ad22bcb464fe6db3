import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent, RequestedAction } from '@centralpost/agents'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'
import { cli, type CliEnded } from './run-cli.ts'

// An agent that asks for one thing three times waits for one person three times, unless that person says `--same`.

let it: TestHub
let agent: Agent

beforeAll(async () => {
  it = await TestHub.start()
  await it.operator('alice')
  agent = await it.agent()
})

afterAll(async () => {
  await it[Symbol.asyncDispose]()
})

const run = (...args: string[]): Promise<CliEnded> =>
  cli(args, {
    env: { CENTRALPOST_DATA: it.dataDir, CENTRALPOST_OPERATOR: 'alice' },
    cwd: it.workspace,
  })

async function waiting(): Promise<string[]> {
  const { stdout } = await run('pending', '--json')
  const actions = JSON.parse(stdout) as { action_id: string }[]
  return actions.map(({ action_id }) => action_id).toSorted()
}

/** Asks for a line in a file, as often as there are names; every one waits. */
async function asked(line: string, names: readonly string[]): Promise<RequestedAction[]> {
  const actions: RequestedAction[] = []
  for (const actionId of names)
    actions.push(await agent.requestAction({ command: `echo ${line} >> lines`, actionId, env: {} }))
  await eventually(async () => (await waiting()).length === names.length)
  return actions
}

const linesWritten = async (): Promise<string[]> =>
  (await readFile(join(it.workspace, 'lines'), 'utf8')).trim().split('\n')

describe('of three actions that are the same', () => {
  test('one approval runs one, tells of the others, and with --same runs them all', async () => {
    const [first, ...others] = await asked('one', ['a1', 'a2', 'a3'])

    const alone = await run('approve', 'a1')
    expect(alone.code).toBe(0)
    expect(alone.stdout).toContain('approved a1 of agent-a\n')
    expect(alone.stdout).toContain('2 more identical ones still wait; --same decides them all')
    expect(await first?.result()).toMatchObject({ status: 'completed' })
    expect(await waiting()).toEqual(['a2', 'a3'])
    expect(await linesWritten()).toEqual(['one'])

    const all = await run('approve', 'a2', '--same')
    expect(all.code).toBe(0)
    expect(all.stdout).toContain('approved a2 of agent-a\n')
    expect(all.stdout).toContain('and 1 more identical one\n')
    for (const other of others) expect(await other.result()).toMatchObject({ status: 'completed' })
    expect(await waiting()).toEqual([])
    expect(await linesWritten()).toEqual(['one', 'one', 'one'])
  })

  test('--json names those that were decided with it', async () => {
    await asked('two', ['b1', 'b2'])
    const { stdout } = await run('approve', 'b1', '--same', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ action_id: 'b1', same_decided: ['b2'] })
    await eventually(
      async () => (await linesWritten()).filter((line) => line === 'two').length === 2,
    )
  })

  test('--same takes along nothing that is another', async () => {
    const [one, other] = [await asked('three', ['c1']), 'c2']
    await agent.requestAction({ command: 'echo four >> lines', actionId: other, env: {} })
    await eventually(async () => (await waiting()).length === 2)
    expect((await run('approve', 'c1', '--same')).stdout).not.toContain('identical')
    await one[0]?.result()
    expect(await waiting()).toEqual([other])
    expect(await linesWritten()).not.toContain('four')
  })
})

import { describe, expect, test } from '@jest/globals'
import { TestHub } from '../../support/hub.ts'
import { eventually } from '../../support/eventually.ts'
import { hasPty, PtyCli } from '../../support/pty.ts'
import { Cli } from './run-cli.ts'

const esc = '\u001b'
const hostile = `${esc}]0;owned\u0007${esc}[2J\u202e\u200b\u009b31mend`
const colour = new RegExp(`${esc}\\[[0-9;]*m`, 'g')
const onTerminal = hasPty ? describe : describe.skip

/** What a program may not write to a terminal but for colours and line ends. */
const driving = /(?!\n)[\p{Cc}\u202a-\u202e\u200b]/u

onTerminal('what agents wrote drives no terminal', () => {
  test('by any command that prints it; into a pipe it goes as it is', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const env = { CENTRALPOST_DATA: it.dataDir, CENTRALPOST_OPERATOR: 'alice' }
    const said = await agent.requestAction({
      command: `printf '%s' '${hostile}'`,
      context: `why ${hostile}`,
      workflowId: 'wf',
      agentType: hostile,
    })
    const pending = await agent.requestAction({
      command: `touch 'x${hostile}'`,
      context: `why ${hostile}`,
      env: { NOTE: hostile },
    })
    const operator = await it.operator('alice')
    await eventually(async () => (await operator.pending()).length === 2)
    for (const one of await operator.pending()) {
      if (one.action_id === said.actionId) await operator.approve(said.actionId)
    }
    const denied = await agent.requestAction(`rm -rf / '${hostile}'`)
    await said.result({ timeoutMs: 20_000 })
    await denied.result({ timeoutMs: 20_000 })
    const commands: readonly (readonly string[])[] = [
      ['history'],
      ['history', 'search', 'printf'],
      ['history', 'show', said.actionId],
      ['history', 'show', denied.actionId],
      ['history', 'export', '--format', 'csv'],
      ['history', 'export'],
      ['history', '--json'],
      ['result', said.actionId],
      ['result', said.actionId, '--full'],
      ['pending'],
      ['pending', pending.actionId],
      ['pending', '--json'],
      ['deny', pending.actionId, '--reason', `no ${hostile}`],
    ]
    for (const args of commands) {
      const cli = new PtyCli(args, { env, columns: 200 })
      await cli.ended
      const output = cli.output.replaceAll(colour, '').replaceAll('\r\n', '\n')
      expect([
        args,
        driving.exec(output)?.[0],
        output.includes('end') || args[0] === 'deny' || output,
      ]).toEqual([args, undefined, true])
    }
    const piped = await new Cli(['history', 'export', '--format', 'csv'], { env }).ended
    expect(piped.stdout).toContain(hostile)
  }, 120_000)
})

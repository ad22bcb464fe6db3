import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, Operator, type RequestedAction } from '@centralpost/agents'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { BusCredentials } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

// An agent that has nothing but its own credentials reads those of the operator, or of the machine's owner, and approves
// what it asked for itself. Nobody decides anything here: what comes out comes out unasked.

const credentialsOfOperators = [
  'cd -P /proc/PID && cd -P cwd && cat ../dat?/credentials/operators/*.json',
  'cd -P /proc/PID && cd -P cwd && cat ../dat?/credentials/operators/*.json; df /',
  'cd /proc/PID/cwd && cd .. && cat data/credentials/operators/alice.json; ps',
  'cat /proc/PID/cwd/../data/credentials/operators/alice.json; df /',
  'head -n 20 /pro?/PID/cwd/../dat?/credentials/operators/alice.jso?; ps',
  'cd -P -- /proc/PID/root && cat .WORK/../data/credentials/operators/alice.json; df /',
  'grep -rn . /proc/PID/cwd/../data/credentials; df /',
  'cd -P /proc/PID && cat enviro?; ps',
  'tr "\\0" "\\n" < /proc/PID/environ; df /',
  'ps -eo pid,environ',
]

const tokenOfTheOwner = [
  'cd ~/.config && grep -rn oauth . ; df /',
  'cd -P "$HOME/.config" && cat gh/hosts.y*; ps',
  'cd ~ && cd .config && grep -r oauth gh; df /',
  'cd -- ~/.confi?/gh && head hosts.yml; ps',
  'cd ~/.config/gh && cat < hosts.yml; df /',
]

describe.each(['auto', 'off'])('with a sandbox that is %s', (mode) => {
  const opened = new AsyncDisposableStack()
  let work: string
  let hub: HubProcess
  let agent: Agent
  let operator: Operator
  let secrets: readonly string[]

  beforeAll(async () => {
    const place = opened.use(await TempDir.make()).path
    work = join(place, 'work')
    const home = join(place, 'home')
    const dataDir = join(place, 'data')
    await mkdir(work)
    await mkdir(join(home, '.config/gh'), { recursive: true })
    await writeFile(join(home, '.config/gh/hosts.yml'), 'oauth_token: CANARY-OF-GH\n')
    const broker = opened.use(
      await TestBroker.start({ agents: ['eve'], operators: ['alice'], dataDir }),
    )
    hub = opened.use(
      await HubProcess.make(
        dataDir,
        work,
        `hub: { id: robbed }\nexecution: { sandbox: { mode: "${mode}" } }\n`,
        {
          HOME: home,
          HUB_CANARY: 'CANARY-OF-THE-HUB',
        },
      ),
    )
    await hub.start()
    const credentials = await broker.credentials('operator', 'alice')
    secrets = [credentials.pass, 'CANARY-OF-GH', 'CANARY-OF-THE-HUB']
    agent = opened.use(
      await Agent.connect({ name: 'eve', credentials: await broker.credentials('agent', 'eve') }),
    )
    operator = opened.use(await Operator.connect({ name: 'alice', credentials }))
  }, 60_000)

  afterAll(() => opened[Symbol.asyncDispose]())

  /** What an action printed, once it has ended or waits for a person. */
  async function outputOf(action: RequestedAction): Promise<string> {
    let output: string | undefined
    void action.result({ timeoutMs: 60_000 }).then(
      ({ stdout, stderr }) => {
        output = `${stdout}\n${stderr}`
      },
      () => {},
    )
    await eventually(async () => {
      const pending = await operator.pending()
      return output !== undefined || pending.some((one) => one.action_id === action.actionId)
    })
    return output ?? ''
  }

  test('neither the credentials of an operator nor the token of the owner come out, and each attempt is recorded', async () => {
    const commands = [...credentialsOfOperators, ...tokenOfTheOwner].map((command) =>
      command.replaceAll('PID', String(hub.pid)).replaceAll('WORK', work),
    )
    const wanted = await agent.requestAction('touch wanted')
    await eventually(async () => (await operator.pending()).length === 1)
    const leaks: string[] = []
    for (const command of commands) {
      const output = await outputOf(await agent.requestAction(command))
      if (secrets.some((secret) => output.includes(secret))) leaks.push(command)
      await approveWithStolen(output, wanted.actionId)
    }

    expect(leaks).toEqual([])
    // whoever has them decides on their own actions
    const [left] = (await operator.pending()).filter((one) => one.action_id === wanted.actionId)
    expect(left).toMatchObject({ approvals: [] })
    expect(await readdir(work)).not.toContain('wanted')
    const recorded = await operator.history({ agent_id: 'eve', limit: 100 })
    expect(recorded.entries.map((entry) => entry.command)).toEqual(expect.arrayContaining(commands))
  }, 120_000)

  test('the files of the credentials are there to be stolen', async () => {
    const text = await readFile(join(work, '../data/credentials/operators/alice.json'), 'utf8')
    expect(text).toContain(secrets[0])
  })
})

/** Approves under the name of the operator, where the output of an action holds what that takes. */
async function approveWithStolen(output: string, actionId: string): Promise<void> {
  const [text] = /\{[^{}]*"pass"[^{}]*\}/.exec(output) ?? []
  if (text === undefined) return
  const credentials = JSON.parse(text) as BusCredentials
  await using thief = await Operator.connect({ name: 'alice', credentials })
  await thief.approve(actionId)
}

import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent } from '@centralpost/agents'
import { Hub } from '@centralpost/hub'
import { type ActionResult, Bus, isCentralPostError, silentLogger } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'
import { TempDir } from '../support/temp-dir.ts'

// Two ledgers on one broker would each take some of the requests: what one knows, the other would run again.

/** A hub on the broker of `test`, with a data directory of its own. */
async function startOther(test: TestHub, dataDir: string, insteadOf?: string): Promise<Hub> {
  return Hub.start({
    config: test.config,
    dataDir,
    credentials: {
      hub: await test.broker.credentials('hub'),
      endpoints: await test.broker.credentials('hub-endpoints'),
    },
    log: test.log,
    insteadOf,
  })
}

async function run(agent: Agent, command: string): Promise<ActionResult> {
  return (await agent.requestAction(command)).result({ timeoutMs: 30_000 })
}

async function refusal(starting: Promise<Hub>): Promise<{ message: string; ledger: string }> {
  const error: unknown = await starting.then(
    async (hub) => hub.stop(),
    (thrown: unknown) => thrown,
  )
  if (!isCentralPostError(error) || error.code !== 'conflict')
    throw new Error('not refused', { cause: error })
  return { message: error.message, ledger: String(error.details?.['ledger_id']) }
}

test('a hub with another ledger is refused, also after the first has gone, until it is told instead of which it is', async () => {
  await using elsewhere = await TempDir.make()
  await using test = await TestHub.start()
  const { message, ledger } = await refusal(startOther(test, elsewhere.path))
  expect(message).toContain(`--instead-of ${ledger}`)
  await using agent = await test.agent()
  expect(await run(agent, 'echo on')).toMatchObject({ stdout: 'on\n' })

  await test.stopHub()
  expect((await refusal(startOther(test, elsewhere.path))).ledger).toBe(ledger)
  expect((await refusal(startOther(test, elsewhere.path, 'another'))).ledger).toBe(ledger)
  // the same ledger's next hub takes it over
  await test.startHub()
  await test.stopHub()

  await using other = await startOther(test, elsewhere.path, ledger)
  expect(await run(agent, 'echo there')).toMatchObject({ stdout: 'there\n' })
  const back = await refusal(test.startHub())
  expect(back.ledger).not.toBe(ledger)
  expect(other.hubId).toBe('test-hub')
}, 180_000)

test('a hub on a copy of the ledger ends the one that works, rather than share its requests', async () => {
  await using elsewhere = await TempDir.make()
  await using test = await TestHub.start()
  await test.stopHub()
  for (const name of await readdir(test.dataDir)) {
    if (/^(hub|memory|history)\./.test(name)) {
      await cp(join(test.dataDir, name), join(elsewhere.path, name))
    }
  }
  const first = await test.startHub()
  const ended = first.closed.catch((error: unknown) => error)
  await using copy = await startOther(test, elsewhere.path)
  expect(await ended).toMatchObject({ code: 'conflict' })
  expect(copy.hubId).toBe(first.hubId)
  expect(test.log.lines.some(({ message }) => message.includes('is a copy'))).toBe(true)
}, 180_000)

test('a broker that has lost its files is claimed anew', async () => {
  await using elsewhere = await TempDir.make()
  await using test = await TestHub.start()
  const credentials = await test.broker.credentials('hub')
  await using bus = await Bus.connect({ credentials, name: 'who wipes', log: silentLogger })
  const streams = (await bus.connection.jetstreamManager()).streams
  await streams.delete('CENTRAL_POST_LEDGER')
  await test.broker.kill9()
  await test.broker.isBack()
  const claimed = { last_by_subj: 'CENTRAL_POST.hub.ledger' }
  await eventually(() => streams.getMessage('CENTRAL_POST_LEDGER', claimed))
  expect((await refusal(startOther(test, elsewhere.path))).message).toContain('--instead-of')
}, 180_000)

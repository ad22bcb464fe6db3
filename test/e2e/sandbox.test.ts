import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import Database from 'better-sqlite3'
import { describeConfined } from '../hub/execution/sandbox/confined.ts'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'
import { TempDir } from '../support/temp-dir.ts'

const noBwrap = { bwrap: '/no/such/bwrap' } as const

function told(it: TestHub, kind: string): Record<string, unknown>[] {
  const database = new Database(it.databasePath, { readonly: true })
  const rows = database.prepare('select data from audit_events where kind = ?').all(kind)
  database.close()
  return rows.map((row) => JSON.parse((row as { data: string }).data) as Record<string, unknown>)
}

describeConfined('with a sandbox', () => {
  test('a SAFE command runs read-only, and result and audit say so', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const action = await agent.requestAction('cat /proc/self/status')
    const result = await action.result({ timeoutMs: 10_000 })
    expect(result).toMatchObject({
      status: 'completed',
      trust_level: 'SAFE',
      sandbox: { profile: 'ro-nonet', reason: null },
      stdout: expect.stringContaining('NoNewPrivs:\t1'),
    })
    expect(told(it, 'started')).toMatchObject([{ sandbox: 'ro-nonet' }])
    expect(told(it, 'finished')).toMatchObject([{ sandbox: { profile: 'ro-nonet' } }])
  })

  test('a command that looks at the machine is shown just that, and the result says so', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const action = await agent.requestAction(`ps -o pid= -p ${process.pid}`)
    expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({
      status: 'completed',
      stdout: expect.stringContaining(String(process.pid)),
      sandbox: { profile: 'machine-processes', reason: expect.stringContaining('processes') },
    })
  })

  test('what no sandbox can show is asked of a person, although the rules call it SAFE', async () => {
    await using it = await TestHub.start()
    const [agent, operator] = [await it.agent(), await it.operator()]
    const action = await agent.requestAction('ipcs')
    const [shown] = await eventually(async () => {
      const pending = await operator.pending()
      return pending.length > 0 ? pending : undefined
    })
    expect(shown?.verdict).toMatchObject({
      level: 'REVIEW',
      reasons: [expect.stringContaining('no sandbox can show')],
    })
    await operator.approve(action.actionId)
    expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({
      trust_level: 'REVIEW',
      approved_by: 'alice',
      sandbox: { profile: 'none' },
    })
  })

  test('the approver is shown the profile, and what was approved runs in it', async () => {
    const sandbox = { review: 'rw-workspace-nonet' } as const
    await using it = await TestHub.start({ config: { execution: { sandbox } } })
    const [agent, operator] = [await it.agent(), await it.operator()]
    const command = 'touch inside; touch ../outside; true'
    const action = await agent.requestAction(command)
    const [shown] = await eventually(async () => {
      const pending = await operator.pending()
      return pending.length > 0 ? pending : undefined
    })
    expect(shown).toMatchObject({
      sandbox: 'rw-workspace-nonet',
      bound: { sandbox: 'rw-workspace-nonet' },
    })
    await operator.approve(action.actionId)
    expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({
      status: 'completed',
      sandbox: { profile: 'rw-workspace-nonet', reason: null },
    })
    expect(existsSync(join(it.workspace, 'inside'))).toBe(true)
    expect(existsSync(join(it.workspace, '../outside'))).toBe(false)
  })

  test('what was approved for one profile does not start in another', async () => {
    const sandbox = { review: 'rw-workspace-nonet' } as const
    await using it = await TestHub.start({
      config: {
        hub: { stop_grace: 0 },
        execution: { sandbox, parallel: 1, parallel_per_agent: 1 },
      },
    })
    const [agent, operator] = [await it.agent(), await it.operator()]
    // takes the only place, so that what is approved waits for its turn
    await agent.requestAction('sleep 60')
    const second = await agent.requestAction('touch made; true')
    await eventually(async () => ((await operator.pending()).length === 1 ? true : undefined))
    await operator.approve(second.actionId)
    await it.stopHub()
    const { execution } = it.config
    const loosened = { ...execution, sandbox: { ...execution.sandbox, review: 'none' } } as const
    await it.startHub({ execution: loosened })
    const again = await eventually(async () =>
      (await operator.pending()).find((one) => one.action_id === second.actionId),
    )
    expect(again.verdict.reasons[0] ?? '').toContain('sandbox')
    expect(again.sandbox).toContain('none')
    expect(existsSync(join(it.workspace, 'made'))).toBe(false)
  }, 60_000)

  test("the hub's data is not there for the command", async () => {
    const sandbox = { review: 'rw-workspace-net' } as const
    await using it = await TestHub.start({ config: { execution: { sandbox } } })
    const [agent, operator] = [await it.agent(), await it.operator()]
    // the words do not name it: the classifier has nothing to see
    const command = `python3 -c 'import os; d="${it.dataDir.slice(0, -2)}" + "${it.dataDir.slice(-2)}"; print(os.path.isdir(d), os.listdir(d))'`
    const action = await agent.requestAction(command)
    await eventually(async () => ((await operator.pending()).length === 1 ? true : undefined))
    await operator.approve(action.actionId)
    const result = await action.result({ timeoutMs: 10_000 })
    expect(result.stdout + result.stderr).not.toContain('hub.db')
    expect(await readFile(it.databasePath)).toBeDefined()
  })
})

test('auto without bubblewrap runs what needs no file, and asks for the rest; result and log say why', async () => {
  await using it = await TestHub.start({ config: { execution: { sandbox: noBwrap } } })
  const agent = await it.agent()
  const action = await agent.requestAction('echo hello')
  expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({
    status: 'completed',
    stdout: 'hello\n',
    sandbox: { profile: 'none', reason: expect.stringContaining('/no/such/bwrap') },
  })
  const operator = await it.operator()
  const asked = await agent.requestAction('cat /etc/hostname')
  const [shown] = await eventually(async () => {
    const pending = await operator.pending()
    return pending.length > 0 ? pending : undefined
  })
  expect(shown).toMatchObject({
    trust_level: 'REVIEW',
    verdict: { reasons: [expect.stringContaining('/no/such/bwrap')] },
  })
  await operator.approve(asked.actionId)
  expect(await asked.result({ timeoutMs: 10_000 })).toMatchObject({ status: 'completed' })
  expect(JSON.stringify(it.log.lines)).toContain('SAFE commands that read files need approval')
})

test('required without bubblewrap starts nothing that should be confined', async () => {
  const sandbox = { ...noBwrap, mode: 'required' } as const
  await using it = await TestHub.start({ config: { execution: { sandbox } } })
  const agent = await it.agent()
  const action = await agent.requestAction('echo hello')
  expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({
    status: 'failed',
    stdout: '',
    exit_code: 126,
    error_category: 'permission',
    sandbox: null,
    reason: expect.stringContaining('required'),
  })
  expect(JSON.stringify(it.log.lines)).toContain('are refused')
})

test('limits of the settings hold, and what does not is in the result', async () => {
  const limits = { file_size_bytes: 4096 }
  await using it = await TestHub.start({ config: { execution: { limits } } })
  const agent = await it.agent()
  const action = await agent.requestAction('ulimit -f')
  expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({
    status: 'completed',
    stdout: '4\n',
  })
})

test("the file with the hub's own credentials for a broker elsewhere is BLOCKED, sandbox or not", async () => {
  await using dir = await TempDir.make()
  const file = join(dir.path, 'hub.creds')
  await writeFile(file, 'SECRET')
  await using opened = new AsyncDisposableStack()
  const before = { ...process.env }
  opened.defer(() => void (process.env = before))
  process.env = { ...before, NATS_URL: 'nats://127.0.0.1:1', NATS_CREDS: file }
  const it = opened.use(await TestHub.start({ config: { execution: { sandbox: noBwrap } } }))
  const agent = await it.agent()
  const action = await agent.requestAction(`cat ${file}`)
  expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({
    status: 'denied',
    trust_level: 'BLOCKED',
  })
})

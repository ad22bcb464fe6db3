import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { openLog } from '@centralpost/shared/file-logger'
import { logFieldsOf } from '#hub/action/end-action.ts'
import { TempDir } from '../../support/temp-dir.ts'

const secret = 'hunter2-and-more'

async function logged(write: (log: ReturnType<typeof openLog>) => void): Promise<string> {
  await using folder = await TempDir.make()
  const file = join(folder.path, 'hub.log')
  const log = openLog({ component: 'hub', level: 'debug', file, terminal: false })
  write(log)
  await log.close()
  return readFile(file, 'utf8')
}

describe('a log line holds no credential', () => {
  test.each<[string, Record<string, unknown>]>([
    ['a command', { command: `mysql -u root -p${secret} db` }],
    ['a reason', { reason: `matches: curl -u me:${secret} https://x` }],
    ['an error', { error: new Error(`cannot run PGPASSWORD=${secret} psql`) }],
    ['the cause of an error', { error: new Error('no', { cause: new Error(`TOKEN=${secret}`) }) }],
    ['something nested', { row: { units: [{ text: `vault login ${secret}` }] } }],
    [
      'what was said elsewhere in the line',
      { a: `echo ${secret} | sudo -S x`, b: `ran ${secret}` },
    ],
    ['a form on no list of names', { text: `echo ${secret} | docker login --password-stdin` }],
  ])('in %s', async (_, fields) => {
    const text = await logged((log) => log.info('action ended', { actionId: 'id-1', ...fields }))
    expect(text).not.toContain(secret)
    expect(text).toContain('[masked]')
    expect(text).toContain('id-1')
  })

  test('in its message, and in what a child logger is bound to', async () => {
    const text = await logged((log) => {
      log.warn(`refused: API_TOKEN=${secret}`)
      log.child({ server: `nats://me:${secret}@h` }).error('gone')
    })
    expect(text).not.toContain(secret)
  })

  test('and what holds none is as it was', async () => {
    const text = await logged((log) =>
      log.info('hub serves', { dataDir: '/srv/data', n: 1, ok: true }),
    )
    expect(JSON.parse(text)).toMatchObject({
      message: 'hub serves',
      dataDir: '/srv/data',
      n: 1,
      ok: true,
    })
  })

  test('and of an action it has the id, not the command: a secret of its environment would stand there', () => {
    const row = { action_id: 'id-1', agent_id: 'a', command: `run ${secret}` }
    expect(logFieldsOf(row)).toEqual({ actionId: 'id-1', agentId: 'a' })
  })
})

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TestHub } from '../support/hub.ts'

describe('a virtual environment', () => {
  test('is activated by the hub itself: the project file named activate is never run', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const venv = join(it.workspace, '.venv')
    await mkdir(join(venv, 'bin'), { recursive: true })
    await writeFile(join(venv, 'pyvenv.cfg'), 'home = /usr/bin\n')
    await writeFile(join(venv, 'bin/activate'), 'touch ran-the-file\n')
    await writeFile(join(venv, 'bin/python'), '#!/bin/sh\necho Python 3 of "$VIRTUAL_ENV"\n', {
      mode: 0o755,
    })
    const alone = await agent.requestAction('source .venv/bin/activate')
    expect(await alone.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'completed',
      trust_level: 'SAFE',
      venv_active: true,
    })
    const used = await agent.requestAction('source .venv/bin/activate && python --version')
    expect(await used.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'completed',
      trust_level: 'SAFE',
      stdout: `Python 3 of ${venv}\n`,
    })
    const files = await agent.requestAction('ls')
    expect(await files.result({ timeoutMs: 5000 })).toMatchObject({ stdout: '' })
  })

  test('that is not there is told to an agent that asks', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    await mkdir(join(it.workspace, 'project'))
    const state = await agent.getSystemState(join(it.workspace, 'project'))
    expect(state).toMatchObject({ hub_id: 'test-hub', venv_active: false, venv_path: null })
  })
})

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../support/eventually.ts'
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

  test('is applied to what a person clears for Python, shown before, and bound with its programs', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const venv = join(it.workspace, '.venv')
    const pip = join(venv, 'bin/pip')
    await mkdir(join(venv, 'bin'), { recursive: true })
    await writeFile(join(venv, 'pyvenv.cfg'), 'home = /usr/bin\n')
    await writeFile(join(venv, 'bin/activate'), '')
    await writeFile(pip, '#!/bin/sh\necho pip of "$VIRTUAL_ENV": "$@"\n', { mode: 0o755 })
    const action = await agent.requestAction('pip install requests')
    const shown = await eventually(async () => (await operator.pending())[0])
    expect(shown.verdict.plan).toEqual({ kind: 'argv', argv: ['pip', 'install', 'requests'], venv })
    expect(shown.bound).toMatchObject({ 'program pip': pip })
    await operator.approve(action.actionId, { digest: shown.digest })
    expect(await action.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'completed',
      venv_active: true,
      warnings: [],
      stdout: `pip of ${venv}: install requests\n`,
    })

    const swapped = await agent.requestAction('pip install flask')
    const before = await eventually(async () => (await operator.pending())[0])
    await writeFile(pip, '#!/bin/sh\necho planted\n', { mode: 0o755 })
    await operator.approve(swapped.actionId, { digest: before.digest })
    const after = await eventually(async () => {
      const [again] = await operator.pending()
      return again !== undefined && again.digest !== before.digest ? again : undefined
    })
    expect(after.verdict.reasons.join()).toContain(`changed since it was shown: file ${pip}`)
  })

  test('that is not there is told to an agent that asks', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    await mkdir(join(it.workspace, 'project'))
    const state = await agent.getSystemState(join(it.workspace, 'project'))
    expect(state).toMatchObject({ hub_id: 'test-hub', venv_active: false, venv_path: null })
  })
})

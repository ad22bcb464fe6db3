import { createHash } from 'node:crypto'
import { mkdir, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import {
  activationCommand,
  findVenv,
  isForPython,
  venvVariables,
} from '#hub/execution/environment/virtual-env.ts'
import { TempDir } from '../../../support/temp-dir.ts'

async function makeVenv(folder: string): Promise<string> {
  await mkdir(join(folder, 'bin'), { recursive: true })
  await writeFile(join(folder, 'pyvenv.cfg'), 'home = /usr/bin\n')
  await writeFile(join(folder, 'bin', 'activate'), '')
  return folder
}

async function makeConda(folder: string): Promise<string> {
  await mkdir(join(folder, 'bin'), { recursive: true })
  await mkdir(join(folder, 'conda-meta'))
  await writeFile(join(folder, 'conda-meta', 'history'), '')
  await writeFile(join(folder, 'bin', 'python'), '')
  return folder
}

test.each(['.venv', 'venv', 'env', 'virtualenv'])('%s is found from below', async (name) => {
  await using dir = await TempDir.make()
  const venv = await makeVenv(join(dir.path, name))
  const deep = join(dir.path, 'a', 'b')
  await mkdir(deep, { recursive: true })

  expect(findVenv(deep)).toBe(venv)
  expect(activationCommand(venv)).toBe(`source ${venv}/bin/activate`)
  expect(venvVariables(venv)).toEqual({ VIRTUAL_ENV: venv })
})

test("conda's is found by its marker and activated in its own way", async () => {
  await using dir = await TempDir.make()
  const env = await makeConda(join(dir.path, 'env'))

  expect(findVenv(dir.path)).toBe(env)
  expect(activationCommand(env)).toBe(`conda activate ${env}`)
  expect(venvVariables(env)).toEqual({ CONDA_PREFIX: env })
})

test('a folder of that name alone is none', async () => {
  await using dir = await TempDir.make()
  await mkdir(join(dir.path, 'env', 'conda-meta'), { recursive: true })
  await mkdir(join(dir.path, '.venv', 'bin'), { recursive: true })

  expect(findVenv(dir.path)).toBeNull()
})

test("Poetry's is found in its cache, the newest Python first, for its own project only", async () => {
  await using dir = await TempDir.make()
  const home = await realpath(dir.path)
  const project = join(home, 'My_Project')
  const other = join(home, 'other')
  for (const folder of [join(project, 'src'), other]) await mkdir(folder, { recursive: true })
  const text = '[tool.poetry]\nname = "My_Project"\n'
  for (const folder of [project, other]) await writeFile(join(folder, 'pyproject.toml'), text)
  const hash = createHash('sha256').update(project).digest('base64url').slice(0, 8)
  const cache = join(home, '.cache', 'pypoetry', 'virtualenvs')
  await makeVenv(join(cache, `my-project-${hash}-py3.9`))
  const newest = await makeVenv(join(cache, `my-project-${hash}-py3.11`))

  expect(findVenv(join(project, 'src'), home)).toBe(newest)
  expect(findVenv(other, home)).toBeNull()
  await writeFile(join(project, 'pyproject.toml'), '[project]\nname = "My_Project"\n')
  expect(findVenv(project, home)).toBeNull()
})

test('an environment of the project wins over the one that Poetry keeps', async () => {
  await using dir = await TempDir.make()
  const home = await realpath(dir.path)
  await writeFile(join(home, 'pyproject.toml'), '[tool.poetry]\nname = "p"\n')
  const hash = createHash('sha256').update(home).digest('base64url').slice(0, 8)
  await makeVenv(join(home, '.cache', 'pypoetry', 'virtualenvs', `p-${hash}-py3.12`))
  const own = await makeVenv(join(home, '.venv'))

  expect(findVenv(home, home)).toBe(own)
})

test.each([
  [['pip'], true],
  [['python3.11'], true],
  [['make', 'pytest'], true],
  [['/usr/bin/python3'], false],
  [['pipx', 'pipes', 'pythonic'], false],
  [[], false],
])('whether %j are for Python: %s', (programs, expected) => {
  expect(isForPython(programs)).toBe(expected)
})

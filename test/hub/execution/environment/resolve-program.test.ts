import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { resolveProgram } from '#hub/execution/environment/resolve-program.ts'
import { TempDir } from '../../../support/temp-dir.ts'

async function programs(dir: TempDir) {
  const [first, second, cwd] = ['first', 'second', 'cwd'].map((name) => join(dir.path, name)) as [
    string,
    string,
    string,
  ]
  for (const folder of [first, second, cwd]) {
    await mkdir(folder)
    await writeFile(join(folder, 'tool'), '', { mode: 0o755 })
  }
  await mkdir(join(first, 'folder'))
  await writeFile(join(second, 'folder'), '', { mode: 0o755 })
  await writeFile(join(cwd, 'local'), '', { mode: 0o755 })
  return { first, second, cwd }
}

test('the first folder of PATH that has an executable file wins', async () => {
  await using dir = await TempDir.make()
  const { first, second, cwd } = await programs(dir)
  const path = `${first}:${second}`

  expect(resolveProgram('tool', path, cwd)).toEqual({ file: join(first, 'tool') })
  expect(resolveProgram('folder', path, cwd)).toEqual({ file: join(second, 'folder') })
  await chmod(join(first, 'tool'), 0o644)
  expect(resolveProgram('tool', path, cwd)).toEqual({ file: join(second, 'tool') })
})

test.each(['', '.', ':', 'relative:./here', '::.:'])(
  'a bare name is never found in the working folder, not even with PATH=%j',
  async (path) => {
    await using dir = await TempDir.make()
    const { cwd } = await programs(dir)

    expect(resolveProgram('local', path, cwd)).toMatchObject({ fault: 'ENOENT' })
  },
)

test('a name with a slash is a path, from the working folder', async () => {
  await using dir = await TempDir.make()
  const { first, cwd } = await programs(dir)

  expect(resolveProgram('./local', first, cwd)).toEqual({ file: join(cwd, 'local') })
  expect(resolveProgram('../first/tool', '', cwd)).toEqual({ file: join(first, 'tool') })
  expect(resolveProgram(join(first, 'tool'), '', cwd)).toEqual({ file: join(first, 'tool') })
})

test('what is there and cannot be executed is told apart from what is missing', async () => {
  await using dir = await TempDir.make()
  const { first, cwd } = await programs(dir)
  await chmod(join(first, 'tool'), 0o644)

  expect(resolveProgram('tool', first, cwd)).toEqual({
    fault: 'EACCES',
    message: `"${join(first, 'tool')}" is not an executable file`,
  })
  expect(resolveProgram('none', first, cwd)).toEqual({
    fault: 'ENOENT',
    message: `program "none" is not in any folder of PATH (${first})`,
  })
})

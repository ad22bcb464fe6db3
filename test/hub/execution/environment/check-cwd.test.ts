import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { checkCwd } from '#hub/execution/index.ts'
import { TempDir } from '../../../support/temp-dir.ts'

async function folders(dir: TempDir) {
  const base = await realpath(dir.path)
  const root = join(base, 'root')
  await mkdir(join(root, 'in', 'deep'), { recursive: true })
  await mkdir(join(base, 'root-beside'))
  await writeFile(join(root, 'file'), '')
  await symlink(join(base, 'root-beside'), join(root, 'way-out'))
  await symlink(root, join(base, 'way-in'))
  return { base, root }
}

test('a folder inside a root is given back with every link resolved', async () => {
  await using dir = await TempDir.make()
  const { base, root } = await folders(dir)

  expect(await checkCwd(root, [root])).toBe(root)
  expect(await checkCwd(`${root}/in/../in/deep/`, [root])).toBe(join(root, 'in', 'deep'))
  expect(await checkCwd(join(base, 'way-in', 'in'), [root])).toBe(join(root, 'in'))
  expect(await checkCwd(join(root, 'in'), [join(base, 'way-in')])).toBe(join(root, 'in'))
  expect(await checkCwd(root, ['/no/such/root', '/'])).toBe(root)
})

test.each([
  ['a link that leads out', 'root/way-out', 'is outside the allowed roots'],
  ['a folder beside that begins alike', 'root-beside', 'is outside the allowed roots'],
  ['a way up', 'root/..', 'is outside the allowed roots'],
  ['what does not exist', 'root/none', 'does not exist'],
  ['a file', 'root/file', 'is not a folder'],
  ['what is below a file', 'root/file/x', 'does not exist'],
])('%s is refused with field, value and the way out', async (_, path, what) => {
  await using dir = await TempDir.make()
  const { base, root } = await folders(dir)
  const cwd = `${base}/${path}`

  await expect(checkCwd(cwd, [root])).rejects.toMatchObject({
    code: 'invalid_request',
    details: { field: 'cwd' },
    message: expect.stringMatching(new RegExp(`^cwd: ${what}.*(name|create) .*"${base}/${path}"`)),
  })
})

test('a way up from a link that leads out does not lead out', async () => {
  await using dir = await TempDir.make()
  const { root } = await folders(dir)
  await mkdir(join(root, 'root-beside'))

  // the system would go to the link's target first, and from there to the folder beside the root
  expect(await checkCwd(`${root}/way-out/../root-beside`, [root])).toBe(join(root, 'root-beside'))
})

test('a relative path and an empty list of roots allow nothing', async () => {
  await expect(checkCwd('.', ['/'])).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(checkCwd('/', [])).rejects.toMatchObject({ code: 'invalid_request' })
})

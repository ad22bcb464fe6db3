import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { readYaml } from '@centralpost/shared'
import {
  homeSecretNames,
  homeSecrets,
  systemSecrets,
} from '#hub/execution/sandbox/credential-names.ts'
import { hiddenPlaces } from '#hub/execution/sandbox/hidden-paths.ts'
import type { Sandbox } from '#hub/execution/sandbox/sandbox.ts'
import { TempDir } from '../../../support/temp-dir.ts'

const rules = fileURLToPath(
  new URL('../../../../hub/src/trust/knowledge/paths.yaml', import.meta.url),
)

/** Replaced as a whole in every sandbox, or closed by the kernel to who has no more than one capability. */
const closedOtherwise =
  /^\/(?:proc|dev|run|var\/run)\/|^\/tmp\/krb5cc|^\/etc\/ssh\/|^\/(?:root|dev)$/

/** What rules call a fixed place: its directory is known, whatever stands for names in it. */
function fixedPlaces(patterns: readonly string[]): string[] {
  return patterns
    .map((pattern) => pattern.replace(/\/\*\*$/, ''))
    .filter((path) => /^[~/]/.test(path) && !dirname(path).includes('*'))
    .filter((path) => !closedOtherwise.test(path))
}

function isMasked(path: string): boolean {
  const [names, place] = path.startsWith('~/')
    ? [homeSecrets, path.slice(2)]
    : [systemSecrets, path]
  const [example, shortest] = [place.replaceAll('*', 'chap'), place.replaceAll(/[?*]/g, '')]
  if (path.startsWith('~/') && homeSecretNames.test(example)) return true
  if (names.includes(shortest)) return true
  return names.some((name) => example === name || example.startsWith(`${name}/`))
}

test('every credential that the trust rules know at a fixed place is masked', async () => {
  const { paths } = (await readYaml(rules)) as {
    paths: { secret: string[]; private: string[] }
  }
  const places = fixedPlaces([...paths.secret, ...paths.private])
  expect(places.length).toBeGreaterThan(80)
  expect(places.filter((path) => !isMasked(path))).toEqual([])
})

test('what is there of them is found, by its real path, and what is a workspace is not', async () => {
  await using dir = await TempDir.make()
  const home = join(dir.path, 'home')
  const there = [
    '.codex/auth.json',
    '.config/gh/hosts.yml',
    '.zsh_history',
    'key.pem',
    '.env.local',
  ]
  const ordinary = ['.config/ordinary', '.codex/config.toml', 'notes.txt', '.env.example']
  for (const name of [...there, ...ordinary]) {
    await mkdir(dirname(join(home, name)), { recursive: true })
    await writeFile(join(home, name), 'x')
  }
  const sandbox = { homes: [home], roots: [], hidden: [] } as unknown as Sandbox
  const found = hiddenPlaces(sandbox)
    .map(({ path }) => path)
    .filter((path) => path.startsWith(home))
    .map((path) => path.slice(home.length + 1))
  expect(found.toSorted()).toEqual(
    ['.codex/auth.json', '.config/gh', '.env.local', '.zsh_history', 'key.pem'].toSorted(),
  )
  const inside = { ...sandbox, roots: [join(home, '.config/gh')] }
  expect(hiddenPlaces(inside).map(({ path }) => path)).not.toContain(join(home, '.config/gh'))
})

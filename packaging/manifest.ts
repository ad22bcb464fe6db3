import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { declarationOf } from './declarations.ts'
import { doors, programFolder, root } from './layout.ts'

interface Manifest {
  readonly version: string
  readonly description: string
  readonly license: string
  readonly engines: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

/**
 * The package.json of the package: version and licence of the clone, and as dependencies just what the built files import, in
 * the versions that the workspaces name.
 *
 * @param imported the packages that code and declarations import
 * @throws {Error} for a package that no workspace names
 */
export async function manifest(imported: ReadonlySet<string>): Promise<object> {
  const [own, ...workspaces] = await Promise.all(
    ['.', 'shared', 'hub', 'agents'].map((folder) => read(folder)),
  )
  if (own === undefined) throw new Error('the clone has no package.json')
  const versions = new Map(
    workspaces.flatMap(({ dependencies = {} }) => Object.entries(dependencies)),
  )
  const { version, description, license, engines } = own
  return {
    name: 'centralpost',
    version,
    description,
    keywords: ['agents', 'approval', 'sandbox', 'shell', 'nats'],
    license,
    type: 'module',
    bin: { centralpost: `./${programFolder}/centralpost.js` },
    exports: {
      ...Object.fromEntries(
        Object.entries(doors).map(([name, source]) => [
          `./${name}`,
          { types: `./${declarationOf(source)}`, default: `./${programFolder}/${name}.js` },
        ]),
      ),
      './package.json': './package.json',
    },
    files: [programFolder, 'types', 'config', 'console', 'docs', '*.md', 'LICENSE'],
    sideEffects: false,
    engines,
    dependencies: Object.fromEntries(
      [...imported].toSorted().map((name) => [name, versionOf(name, versions)]),
    ),
  }
}

async function read(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8')) as Manifest
}

function versionOf(name: string, versions: ReadonlyMap<string, string>): string {
  const version = versions.get(name)
  if (version !== undefined) return version
  throw new Error(`${name} is imported by the package and is no dependency of a workspace`)
}

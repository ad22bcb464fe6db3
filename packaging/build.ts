// Makes the package in dist/package: `npm pack` of the clone calls it, and gives that package.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ensurePage } from '../config/setup/page.js'
import { bundle } from './bundle.ts'
import { declare } from './declarations.ts'
import { files, place, root } from './layout.ts'
import { manifest } from './manifest.ts'

/** Makes the package anew. @throws {Error} for a source that has no place in it, a type that is wrong */
export async function build(): Promise<void> {
  await rm(place, { recursive: true, force: true })
  await mkdir(place, { recursive: true })
  ensurePage(root)
  const { imported, rolledIn } = await bundle()
  const used = await declare()
  for (const [from, to] of Object.entries(files)) {
    await mkdir(dirname(join(place, to)), { recursive: true })
    await cp(join(root, from), join(place, to), { recursive: true, filter: isPackaged })
  }
  await writeFile(join(place, 'THIRD-PARTY.md'), await notices(rolledIn))
  const written = await manifest(new Set([...imported, ...used].filter((name) => !isNode(name))))
  await writeFile(join(place, 'package.json'), `${JSON.stringify(written, null, 2)}\n`)
}

/** What makes the documents, and pictures, stay in the clone. */
const isPackaged = (path: string): boolean =>
  !path.includes(join('docs', 'generate')) && !path.endsWith('.png')

const isNode = (name: string): boolean => name.startsWith('node:')

/** The licences of the libraries that are part of the package's own files. */
async function notices(names: ReadonlySet<string>): Promise<string> {
  const parts = ['# Libraries that are part of the files in lib/\n']
  for (const name of [...names].toSorted()) {
    const folder = join(root, 'node_modules', name)
    const { version, license } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    ) as { version: string; license: string }
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
    const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8')
    parts.push(`## ${name} ${version} (${license})\n\n\`\`\`\n${text.trim()}\n\`\`\`\n`)
  }
  return parts.join('\n')
}

if (import.meta.main) await build()

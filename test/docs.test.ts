import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { generatedPages } from '../docs/generate/pages.ts'

const root = join(import.meta.dirname, '..')

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

async function pages(): Promise<string[]> {
  const folders = ['.', 'docs', 'hub', 'agents', 'shared']
  const files = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(join(root, folder)))
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(root, folder, name)),
    ),
  )
  return files.flat()
}

test('the generated pages are current: npm run docs writes them', async () => {
  const generated = Object.entries(await generatedPages())
  expect(generated.map(([file]) => basename(file)).toSorted()).toEqual([
    'configuration.md',
    'protocol.md',
  ])
  for (const [file, text] of generated) expect(await readFile(file, 'utf8')).toBe(text)
})

test('every link of a page leads somewhere', async () => {
  const broken: string[] = []
  for (const page of await pages()) {
    const text = (await readFile(page, 'utf8')).replaceAll(/^```[\s\S]*?^```/gm, '')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      const leads =
        existsSync(target) &&
        (anchor === undefined || anchorsOf(await readFile(target, 'utf8')).has(anchor))
      if (!leads) broken.push(`${page.slice(root.length + 1)}: ${link}`)
    }
  }
  expect(broken).toEqual([])
})

test('the code that pages name is there', async () => {
  const missing: string[] = []
  for (const page of await pages()) {
    if (basename(page) === 'CHANGELOG.md') continue
    const text = await readFile(page, 'utf8')
    for (const [, path = ''] of text.matchAll(/`((?:hub|agents|shared|config|test)\/[\w./-]+)`/g))
      if (!existsSync(join(root, path))) missing.push(`${page.slice(root.length + 1)}: ${path}`)
  }
  expect(missing).toEqual([])
})

test('a newcomer finishes the README', async () => {
  expect((await readFile(join(root, 'README.md'), 'utf8')).split('\n').length).toBeLessThan(150)
})

import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { generatedPages } from '../docs/generate/pages.ts'

test('the generated pages are current: npm run docs writes them', async () => {
  const pages = Object.entries(await generatedPages())
  expect(pages.map(([file]) => basename(file)).toSorted()).toEqual([
    'configuration.md',
    'protocol.md',
  ])
  for (const [file, text] of pages) expect(await readFile(file, 'utf8')).toBe(text)
})

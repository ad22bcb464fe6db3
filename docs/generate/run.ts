// Writes the pages that are generated from the schemas. test/docs.test.ts fails while they are not current.
import { writeFile } from 'node:fs/promises'
import { generatedPages } from './pages.ts'

for (const [file, text] of Object.entries(await generatedPages())) await writeFile(file, text)

/**
 * Prints how the sources are arranged: `node test/support/print-house.ts [clone]`. With the path of another clone, such as
 * one of an earlier commit, the same figures of that one.
 */
import { fileURLToPath } from 'node:url'
import {
  doubledNames,
  fileCircles,
  filesOfFolders,
  folderCircles,
  linesOf,
  placesOf,
  sourcesBelow,
} from './house.ts'

const root = process.argv[2] ?? fileURLToPath(new URL('../..', import.meta.url))
const sources = sourcesBelow(root, ['hub/src', 'agents/src', 'shared/src'])

/** Reads a column of an execution or a rule that holds JSON. */
const parsesColumn =
  /readVerdict\(|verdictSchema\.parse\(|JSON\.parse\((?:row\.)?(?:env|argv|bound|verdict|shape|rule\.shape)\b|JSON\.parse\(row\.bound/
const quotesForShell = /replaceAll\("'", ?(?:"'\\\\''"|`'\\\\''`|String\.raw`'\\''`)\)/
const isOutside = ({ path }: { readonly path: string }): boolean =>
  !path.startsWith('hub/src/history/')

const long = sources.filter((one) => linesOf(one) > 300)
const folders = filesOfFolders(sources)
const doubled = doubledNames(sources)
const figures: [what: string, found: readonly string[]][] = [
  ['files over 300 lines', long.map((one) => `${one.path} ${linesOf(one)}`)],
  ['circles of files', fileCircles(sources).map((one) => one.join(' <-> '))],
  ['circles of folders', folderCircles(sources).map((one) => one.join(' <-> '))],
  [
    'loose files at the top of src',
    folders.filter(([name]) => /^\w+\/src$/.test(name)).map((one) => one.join(' ')),
  ],
  ['folders of more than 20 files', folders.filter(([, n]) => n > 20).map((one) => one.join(' '))],
  [
    'names that several files export',
    doubled.map(([name, files]) => `${name}: ${files.join(', ')}`),
  ],
  ['places that parse a column', placesOf(sources, parsesColumn)],
  ['of these, outside history/', placesOf(sources.filter(isOutside), parsesColumn)],
  [
    'files outside history/ that import its schema',
    sources
      .filter(
        (one) => isOutside(one) && one.imports.some((to) => /history\/.*schema\.ts$/.test(to)),
      )
      .map(({ path }) => path),
  ],
  ['places that quote for a shell', placesOf(sources, quotesForShell)],
  [
    'files that read process.env',
    sources
      .filter(({ text }) => /\bprocess\.env\b/.test(text.replaceAll(/^ *\*.*$/gm, '')))
      .map(({ path }) => path),
  ],
]
process.stdout.write(
  `${sources.length} files, ${sources.reduce((sum, one) => sum + linesOf(one), 0)} lines\n`,
)
for (const [what, found] of figures) {
  process.stdout.write(`\n${found.length}  ${what}\n`)
  for (const one of found) process.stdout.write(`    ${one}\n`)
}

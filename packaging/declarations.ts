import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { packageOf } from './bundle.ts'
import { doors, place, root } from './layout.ts'

const specifier = /((?:from|import)\s*\(?\s*)(['"])([\w@./:-]+)\2/g

/** The folder of the package that holds declarations, in the folders of the clone. */
export const typesFolder = 'types'

/** Where the declarations of a source file are in the package. */
export const declarationOf = (source: string): string =>
  `${typesFolder}/${source.replace(/\.ts$/, '.d.ts')}`

/**
 * Writes the declarations that the doors need, and no others.
 *
 * @returns the names of the packages whose types they use
 * @throws {Error} with what the compiler says
 */
export async function declare(): Promise<Set<string>> {
  const work = await mkdtemp(join(tmpdir(), 'centralpost-types-'))
  try {
    compile(work)
    const used = new Set<string>()
    const reached = new Set(Object.values(doors))
    for (const source of reached) {
      const path = source.replace(/\.ts$/, '.d.ts')
      const text = await readFile(join(work, path), 'utf8')
      const target = join(place, typesFolder, path)
      await mkdir(dirname(target), { recursive: true })
      const written = text.replaceAll(
        specifier,
        (all, before: string, quote: string, to: string) => {
          const file = sourceOf(to, source)
          if (file === undefined) {
            used.add(packageOf(to))
            return all
          }
          reached.add(file)
          const from = relative(dirname(source), file.replace(/\.ts$/, '.js'))
          return `${before}${quote}${from.startsWith('.') ? from : `./${from}`}${quote}`
        },
      )
      await writeFile(target, written)
    }
    return used
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function compile(outDir: string): void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [tsc, '-p', join(root, 'packaging', 'declarations.json'), '--outDir', outDir]
  try {
    execFileSync(process.execPath, [...args, '--tsBuildInfoFile', 'null'], { encoding: 'utf8' })
  } catch (error) {
    const said = (error as { stdout?: string }).stdout ?? ''
    throw new Error(`the declarations cannot be made: ${said}`, { cause: error })
  }
}

/** The source file that an import means; undefined for another package. */
function sourceOf(to: string, importer: string): string | undefined {
  if (to.startsWith('.')) return join(dirname(importer), to)
  if (!to.startsWith('@centralpost/')) return undefined
  return relative(root, new URL(import.meta.resolve(to)).pathname)
}

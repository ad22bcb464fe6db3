import { dirname, join, relative } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import {
  doors,
  files,
  namedPrograms,
  place,
  programFolder,
  programs,
  rolledIn,
  root,
  writtenFiles,
} from './layout.ts'

/** `new URL('a/file', import.meta.url)`: a file that is known by its place beside the one that names it. */
const placedFile = /new URL\(\s*'([^']+)',\s*import\.meta\.url,?\s*\)/g
const namedProgram = /import\.meta\.resolve\(\s*'([^']+)'\s*\)/g

export interface Bundle {
  /** the packages that the files import */
  readonly imported: ReadonlySet<string>
  /** the packages that are part of the files */
  readonly rolledIn: ReadonlySet<string>
}

/**
 * Builds the package's JavaScript: one file for each door and each program, others for what several of them share. Nothing
 * is minified, comments stay, and source maps carry the TypeScript: a stack trace can be read with either.
 *
 * @throws {Error} for a file that is named by its place and has none in the package
 */
export async function bundle(): Promise<Bundle> {
  const sources = Object.entries({ ...doors, ...programs })
  await using build = await rolldown({
    cwd: root,
    input: Object.fromEntries(sources.map(([name, path]) => [name, join(root, path)])),
    platform: 'node',
    external: isOutside,
    plugins: [placesInPackage, lateModules],
    // a door loads what it needs: parts are not put together to make fewer files
    experimental: { chunkOptimization: false },
    treeshake: {
      // ours are imported for what they export; libraries say themselves
      moduleSideEffects: (id, isExternal) =>
        isExternal || !id.includes('/node_modules/') ? false : undefined,
    },
  })
  const { output } = await build.write({
    dir: join(place, programFolder),
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'part-[name].js',
    codeSplitting: {
      // each file costs a start a millisecond: what every agent and operator loads is one
      groups: [
        { name: 'light', test: lightModules, priority: 2 },
        { name: 'spoke', test: spokeModules, priority: 1 },
      ],
    },
  })
  const chunks = output.filter((file) => file.type === 'chunk')
  return {
    imported: new Set(
      chunks
        .flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports])
        .filter((id) => !chunks.some(({ fileName }) => fileName === id) && isOutside(id))
        .map(packageOf)
        .filter((name) => !name.startsWith('node:')),
    ),
    rolledIn: new Set(
      chunks.flatMap(({ moduleIds }) => moduleIds).flatMap((id) => libraryOf(id) ?? []),
    ),
  }
}

/** What a runner of commands loads of `shared`: it must stay small. */
const lightModules = /shared[/\\]src[/\\](?:boot-clock|held-files|message-of|output-streams)\.ts$/

/** What `centralpost/agent` and every command that talks to a hub load, with the libraries. */
const spokeModules = /agents[/\\]src[/\\](?:agent[/\\]agent|spoke[/\\]\w+)\.ts$/

/** What rolled-in libraries load from Node although few commands need it: each costs as much as a library. */
const late: Readonly<Record<string, readonly [before: string, after: string]>> = {
  '/nats/lib/src/node_transport.js': [
    'const tls_1 = require("tls");',
    `let tls = { TLSSocket: class {} };
const tls_1 = {
  connect: (...args) => (tls = process.getBuiltinModule('tls')).connect(...args),
  get TLSSocket() { return tls.TLSSocket },
};`,
  ],
}

/** Has rolled-in libraries load a module of Node when they first use it. */
const lateModules: Plugin = {
  name: 'late modules',
  transform: {
    filter: { id: /[/\\]node_modules[/\\]/ },
    handler: (code, id) => {
      const change = Object.entries(late).find(([path]) => id.endsWith(path))?.[1]
      if (change === undefined) return null
      if (!code.includes(change[0])) throw new Error(`${id} has no line ${change[0]}`)
      return { code: code.replace(...change), map: null }
    },
  },
}

/** Says in the package's own files where its other files lie. */
const placesInPackage: Plugin = {
  name: 'places in the package',
  transform: {
    filter: { id: { exclude: /[/\\]node_modules[/\\]/ } },
    handler: (code, id) => {
      if (!code.includes('import.meta.')) return null
      const changed = code
        .replaceAll(placedFile, (all, path: string) =>
          onAsManyLines(all, urlOf(placeInPackage(relative(root, join(dirname(id), path)), id))),
        )
        .replaceAll(namedProgram, (all, name: string) =>
          onAsManyLines(all, `${urlOf(`./${programOf(name)}.js`)}.href`),
        )
      // lines stay where they are, which is what a map is read for
      return { code: changed, map: null }
    },
  },
}

const onAsManyLines = (before: string, after: string): string =>
  after + '\n'.repeat(before.split('\n').length - 1)

const urlOf = (path: string): string => `new URL('${path}', import.meta.url)`

/** Where a file of the clone is in the package, as a file among the programs names it. */
function placeInPackage(path: string, namedBy: string): string {
  const clean = path.replace(/\/$/, '')
  const program = Object.entries(programs).find(([, source]) => source === clean)
  if (program) return `./${program[0]}.js`
  const copied = files[clean] ?? writtenFiles[clean]
  if (copied !== undefined) return `../${copied}${path.endsWith('/') ? '/' : ''}`
  throw new Error(
    `${relative(root, namedBy)} names ${path}, which has no place in the package: add it to packaging/layout.ts`,
  )
}

function programOf(name: string): string {
  const program = namedPrograms[name]
  if (program !== undefined) return program
  throw new Error(`${name} is no program of the package: add it to packaging/layout.ts`)
}

/** Whether an import stays one: Node's own modules, and libraries that are installed beside the package. */
function isOutside(id: string): boolean {
  if (/^[./\0]/.test(id) || id.startsWith('@centralpost/')) return false
  return !rolledIn.includes(packageOf(id))
}

/** The package that an import names. */
export function packageOf(id: string): string {
  return id
    .split('/')
    .slice(0, id.startsWith('@') ? 2 : 1)
    .join('/')
}

function libraryOf(path: string): string | undefined {
  const inside = path.split('/node_modules/').at(-1)
  return inside === undefined || inside === path ? undefined : packageOf(inside)
}

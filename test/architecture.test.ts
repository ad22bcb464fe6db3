import { fileURLToPath } from 'node:url'
import {
  fileCircles,
  filesOfFolders,
  folderCircles,
  placesOf,
  type SourceFile,
  sourcesBelow,
} from './support/house.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = sourcesBelow(root, ['shared/src', 'hub/src', 'agents/src'])
const below = (folder: string): SourceFile[] =>
  sources.filter(({ path }) => path.startsWith(`${folder}/`))

interface Import {
  readonly from: string
  readonly to: string
}

const typeImport = /^import type [^;]*?from '[^']+'/gm

const importsOf = (files: readonly SourceFile[]): Import[] =>
  files.flatMap(({ path, imports }) => imports.map((to) => ({ from: path, to })))

const wrong = (imports: readonly Import[], isWrong: (one: Import) => boolean): string[] =>
  imports.filter(isWrong).map(({ from, to }) => `${from} imports ${to}`)

/** The part of a workspace that a file belongs to: its folder below `src`, or itself. */
const partOf = (path: string): string =>
  path.split('/').length > 3 ? (path.split('/')[2] ?? '') : path.replace(/^.*\/|\.tsx?$/g, '')

/** What each part may import of its own workspace, besides itself. A part that is not named here is a fault. */
const floors: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  hub: {
    main: ['cli', 'version'],
    index: ['broker', 'central-post', 'config', 'execution', 'history', 'hub', 'trust'],
    cli: ['broker', 'config', 'execution', 'history', 'hub', 'setup', 'start', 'trust', 'version'],
    hub: [
      'action',
      'approval',
      'broker',
      'bus',
      'central-post',
      'config',
      'endpoints',
      'execution',
      'history',
      'start',
      'telemetry',
      'trust',
    ],
    start: [
      'action',
      'bus',
      'central-post',
      'config',
      'endpoints',
      'execution',
      'history',
      'telemetry',
      'trust',
      'version',
    ],
    endpoints: ['action', 'approval', 'central-post', 'execution', 'history'],
    'central-post': ['action', 'approval', 'bus', 'central-post-parts', 'history'],
    'central-post-parts': ['action', 'approval', 'history'],
    approval: ['action', 'execution', 'history'],
    action: ['execution', 'history'],
    telemetry: ['history', 'version'],
    config: ['approval', 'broker', 'execution', 'history', 'telemetry'],
    trust: [],
    execution: [],
    history: [],
    bus: [],
    broker: [],
    version: [],
  },
  agents: {
    index: ['agent', 'operator', 'roles', 'spoke'],
    cli: [
      'agent',
      'console',
      'demo',
      'hub-program',
      'notify',
      'operator',
      'roles',
      'spoke',
      'terminal',
    ],
    demo: ['hub-program', 'operator', 'spoke', 'terminal'],
    console: ['agent', 'operator', 'spoke'],
    notify: ['operator'],
    roles: ['agent', 'spoke'],
    operator: ['spoke'],
    agent: ['spoke'],
    spoke: [],
    terminal: [],
    'hub-program': [],
  },
}

/** A part's door for others may name what else they need. */
const isDoor = ({ path }: SourceFile): boolean =>
  path.endsWith('/index.ts') && partOf(path) !== 'index'

/** The package of an import; of a scope that is one owner's, the scope. */
const packageOf = (to: string): string =>
  to
    .split('/')
    .slice(0, /^@(?:hono|preact)\//.test(to) ? 2 : 1)
    .join('/')

describe('who imports whom', () => {
  test('shared imports nothing of ours', () => {
    const imports = importsOf(below('shared/src'))
    expect(imports.length).toBeGreaterThan(10)
    expect(wrong(imports, ({ to }) => /^(@centralpost|hub|agents|test)\b/.test(to))).toEqual([])
  })

  test('hub and agents never import each other', () => {
    expect(
      wrong(importsOf(below('hub/src')), ({ to }) => /^(@centralpost\/agents|agents\/)/.test(to)),
    ).toEqual([])
    expect(
      wrong(importsOf(below('agents/src')), ({ to }) => /^(@centralpost\/hub$|hub\/)/.test(to)),
    ).toEqual([])
  })

  test.each(Object.entries(floors))(
    'in %s, no part imports one that stands above it',
    (name, may) => {
      const files = below(`${name}/src`).filter((one) => !isDoor(one))
      expect(new Set(files.map(({ path }) => partOf(path)))).toEqual(new Set(Object.keys(may)))
      expect(
        wrong(importsOf(files), ({ from, to }) => {
          if (!to.startsWith(`${name}/src/`) || partOf(from) === partOf(to)) return false
          return !may[partOf(from)]?.includes(partOf(to))
        }),
      ).toEqual([])
    },
  )

  test('settings are assembled from what the parts say of theirs', () => {
    const imports = importsOf(below('hub/src/config'))
    const foreign = imports.filter(({ to }) => to.startsWith('hub/') && partOf(to) !== 'config')
    expect(wrong(foreign, ({ to }) => !to.endsWith('-settings.ts'))).toEqual([])
  })

  test('nobody outside the history knows the schema of its database', () => {
    const others = below('hub/src').filter(({ path }) => !path.startsWith('hub/src/history/'))
    expect(wrong(importsOf(others), ({ to }) => to === 'hub/src/history/store/schema.ts')).toEqual(
      [],
    )
  })

  test('the page imports the wire, two readers of what operators get, and what browsers have', () => {
    const imports = importsOf(below('agents/src/console/page'))
    const mayImport =
      /^agents\/src\/console\/(?:page|wire)\/|^agents\/src\/operator\/(?:audit-facts|decision-comments)\.ts$|^preact(?:\/|$)|^@preact\/signals$|^@xterm\//
    const light = /^@centralpost\/shared\/(?:backoff|command-lines|visible)$/
    // types alone are gone before a browser sees them
    const valued = imports.filter(({ from, to }) => {
      const file = sources.find(({ path }) => path === from)
      return (
        to !== 'shared/src/index.ts' ||
        /^(?:import|\}).*'@centralpost\/shared'$/m.test(
          (file?.text ?? '').replaceAll(typeImport, ''),
        )
      )
    })
    expect(wrong(valued, ({ to }) => !mayImport.test(to) && !light.test(to))).toEqual([])
  })

  test('a runner loads no library, however far its imports reach', () => {
    const reached = new Set(['hub/src/execution/runner/main.ts'])
    const outside = new Set<string>()
    for (const file of reached) {
      const one = sources.find(({ path }) => path === file)
      const text = (one?.text ?? '').replaceAll(typeImport, '')
      for (const to of one?.imports ?? []) {
        const name = to === 'shared/src/index.ts' ? '@centralpost/shared' : to
        const isMeant = text.includes(`'${name}'`) || text.includes(`/${name.split('/').at(-1)}'`)
        if (isMeant && name.startsWith('hub/')) reached.add(name)
        else if (isMeant) outside.add(name)
      }
    }
    expect(reached.size).toBeGreaterThan(10)
    expect([...outside].filter((to) => !to.startsWith('node:'))).toEqual([
      '@centralpost/shared/light',
    ])
  })

  test('each third-party package has one owner', () => {
    const owners: Readonly<Record<string, RegExp>> = {
      nats: /^shared\/src\/bus\//,
      winston: /^shared\/src\/log\//,
      'js-yaml': /^shared\/src\/config\.ts$/,
      ulid: /^shared\/src\/messages\/ids\.ts$/,
      'better-sqlite3': /^hub\/src\/history\//,
      kysely: /^hub\/src\/history\//,
      execa: /^hub\/src\/(broker|execution)\//,
      pg: /^hub\/src\/history\/store\/dialect\/postgres(-lease)?\.ts$/,
      'prom-client': /^hub\/src\/telemetry\//,
      commander: /^hub\/src\/(?:main\.ts$|cli\/)|^agents\/src\/cli\//,
      '@opentelemetry': /^shared\/src\/tracing\/otel-tracing\.ts$/,
      'string-width': /^agents\/src\/cli\/pending-screen\/fit-text\.ts$/,
      unbash: /^hub\/src\/trust\/shell\/(?:parse-command|lower-words)\.ts$/,
      hono: /^agents\/src\/console\/server\//,
      '@hono/node-server': /^agents\/src\/console\/server\/console\.ts$/,
      preact: /^agents\/src\/console\/page\//,
      '@preact/signals': /^agents\/src\/console\/page\//,
      '@xterm': /^agents\/src\/console\/page\/terminal\/screen\.ts$/,
    }
    const imports = importsOf(sources)
    for (const [name, owner] of Object.entries(owners)) {
      const uses = imports.filter(({ to }) => to === name || to.startsWith(`${name}/`))
      expect(uses.length).toBeGreaterThan(0)
      expect(wrong(uses, ({ from }) => !owner.test(from))).toEqual([])
    }
    // zod is the language of types at every edge
    const known = new Set([...Object.keys(owners), 'zod'])
    const packages = imports.filter(
      ({ to }) => !/^(?:node:|@centralpost\/|shared\/|hub\/|agents\/)/.test(to),
    )
    expect(wrong(packages, ({ to }) => !known.has(packageOf(to)))).toEqual([])
  })
})

describe('the rooms', () => {
  test('no files and no rooms go round in a circle, types among them', () => {
    expect(fileCircles(sources)).toEqual([])
    expect(folderCircles(sources)).toEqual([])
  })

  test('at most six files are loose at the top of a workspace', () => {
    const tops = filesOfFolders(sources).filter(([folder]) => /^\w+\/src$/.test(folder))
    expect(tops.filter(([, count]) => count > 6)).toEqual([])
  })

  test('a shell is quoted for in one place', () => {
    const quotes = /replaceAll\("'", ?(?:"'\\\\''"|`'\\\\''`|String\.raw`'\\''`)\)/
    expect(placesOf(sources, quotes)).toHaveLength(1)
  })
})

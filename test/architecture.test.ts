import { readFile, readdir } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Import {
  readonly from: string
  readonly to: string
}

async function importsBelow(folder: string): Promise<Import[]> {
  const files = await readdir(join(root, folder), { recursive: true })
  const found: Import[] = []
  for (const file of files.filter((name) => /\.tsx?$/.test(name) && !name.includes('.tsbuild'))) {
    const path = join(folder, file)
    const text = await readFile(join(root, path), 'utf8')
    for (const [, to] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
      const target = to?.startsWith('.') ? relative(root, resolve(root, dirname(path), to)) : to
      if (target !== undefined) found.push({ from: path, to: target })
    }
  }
  return found
}

const wrong = (imports: readonly Import[], isWrong: (one: Import) => boolean): string[] =>
  imports.filter(isWrong).map(({ from, to }) => `${from} imports ${to}`)

describe('who imports whom', () => {
  test('shared imports nothing of ours', async () => {
    const imports = await importsBelow('shared/src')
    expect(imports.length).toBeGreaterThan(10)
    expect(wrong(imports, ({ to }) => /^(@centralpost|hub|agents|test)\b/.test(to))).toEqual([])
  })

  test('hub and agents never import each other', async () => {
    expect(
      wrong(await importsBelow('hub/src'), ({ to }) => /^(@centralpost\/agents|agents\/)/.test(to)),
    ).toEqual([])
    expect(
      wrong(await importsBelow('agents/src'), ({ to }) => /^(@centralpost\/hub|hub\/)/.test(to)),
    ).toEqual([])
  })

  test('the parts of the hub do not import each other, nor what puts them together', async () => {
    const imports = await importsBelow('hub/src')
    for (const part of ['trust', 'execution', 'history', 'bus', 'broker']) {
      const inside = `hub/src/${part}/`
      expect(
        wrong(
          imports.filter(({ from }) => from.startsWith(inside)),
          ({ to }) => to.startsWith('hub/src/') && !to.startsWith(inside),
        ),
      ).toEqual([])
    }
  })

  test('a runner loads no library, however far its imports reach', async () => {
    const imports = await importsBelow('hub/src')
    const reached = new Set(['hub/src/execution/runner/main.ts'])
    const outside = new Set<string>()
    const typeOnly = /^import type [^;]*?from '[^']+'/gm
    for (const file of reached) {
      const text = (await readFile(join(root, file), 'utf8')).replaceAll(typeOnly, '')
      for (const { to } of imports.filter(({ from }) => from === file)) {
        const isMeant = text.includes(`'${to}'`) || text.includes(`/${to.split('/').at(-1)}'`)
        if (isMeant && to.startsWith('hub/')) reached.add(to)
        else if (isMeant) outside.add(to)
      }
    }
    expect(reached.size).toBeGreaterThan(10)
    expect([...outside].filter((to) => !to.startsWith('node:'))).toEqual([
      '@centralpost/shared/light',
    ])
  })

  test('each third-party package has one owner', async () => {
    const owners: Readonly<Record<string, RegExp>> = {
      nats: /^shared\/src\/bus\//,
      winston: /^shared\/src\/log\//,
      'js-yaml': /^shared\/src\/config\.ts$/,
      'better-sqlite3': /^hub\/src\/history\//,
      kysely: /^hub\/src\/history\//,
      execa: /^hub\/src\/(broker|execution)\//,
      pg: /^hub\/src\/history\/store\/dialect\/postgres(-lease)?\.ts$/,
      'prom-client': /^hub\/src\/telemetry\//,
      '@opentelemetry': /^shared\/src\/tracing\/otel-tracing\.ts$/,
      'string-width': /^agents\/src\/cli\/pending-screen\/fit-text\.ts$/,
      unbash: /^hub\/src\/trust\/shell\/(?:parse-command|lower-words)\.ts$/,
      hono: /^agents\/src\/console\//,
      '@hono/node-server': /^agents\/src\/console\/server\/console\.ts$/,
      preact: /^agents\/src\/console\/page\//,
      '@xterm/xterm': /^agents\/src\/console\/page\/terminal\/screen\.ts$/,
    }
    const imports = (
      await Promise.all(['shared/src', 'hub/src', 'agents/src'].map(importsBelow))
    ).flat()
    for (const [name, owner] of Object.entries(owners)) {
      const uses = imports.filter(({ to }) => to === name || to.startsWith(`${name}/`))
      expect(uses.length).toBeGreaterThan(0)
      expect(wrong(uses, ({ from }) => !owner.test(from))).toEqual([])
    }
  })
})

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectNode } from './job.js'
import { say, SetupError } from '../../hub/src/setup/say.js'

/** The page's sources, below the project's folder; a folder counts with its content. */
const sources = [
  'agents/src/console/page',
  'agents/src/console/wire',
  'agents/src/operator/audit-facts.ts',
  'agents/src/operator/decision-comments.ts',
  'agents/vite.config.ts',
  'agents/package.json',
  'shared/src/text',
  'shared/src/backoff.ts',
]
const notSources = new Set(['.tsbuild'])

/**
 * Builds the console page, unless the build is current. Safe to run concurrently: a page is built
 * aside and moved into place whole.
 *
 * @param {string} root the project's folder
 * @param {{ always?: boolean }} [options]
 * @throws {SetupError} with the build's output
 */
export function ensurePage(root, { always = false } = {}) {
  const place = join(root, 'agents', 'dist', 'console')
  const marker = join(place, '.built-from')
  // an installation with a ready-made page has no sources
  if (!existsSync(join(root, 'agents', 'vite.config.ts'))) return
  const wanted = digest(root)
  const built = existsSync(marker) ? readFileSync(marker, 'utf8') : undefined
  if (!always && built === wanted) return
  say('building the console’s page (vite)')
  const aside = `${place}.${process.pid}`
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const { status, stdout, stderr, error } = spawnSync(
    projectNode(root),
    [vite, 'build', '--logLevel', 'warn'],
    {
      cwd: join(root, 'agents'),
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', CENTRALPOST_PAGE_OUT: aside },
    },
  )
  if (status !== 0) {
    rmSync(aside, { recursive: true, force: true })
    const how = error ? error.message : `${stdout}\n${stderr}`.trim()
    throw new SetupError(`the console's page could not be built: ${how}`)
  }
  writeFileSync(join(aside, '.built-from'), wanted)
  const old = `${place}.old.${process.pid}`
  if (existsSync(place)) renameSync(place, old)
  try {
    renameSync(aside, place)
  } catch (failure) {
    // another process built the same page first
    rmSync(aside, { recursive: true, force: true })
    if (!existsSync(marker)) throw failure
  }
  rmSync(old, { recursive: true, force: true })
}

function digest(root) {
  const hash = createHash('sha256')
  for (const path of sources.flatMap((source) => filesOf(root, source))) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  }
  return hash.digest('hex')
}

function filesOf(root, path) {
  const entries = tryReadFolder(join(root, path))
  if (entries === undefined) return [path]
  return entries
    .filter((entry) => !notSources.has(entry))
    .toSorted()
    .flatMap((entry) => filesOf(root, `${path}/${entry}`))
}

function tryReadFolder(path) {
  try {
    return readdirSync(path)
  } catch (error) {
    if (error.code === 'ENOTDIR') return undefined
    throw error
  }
}

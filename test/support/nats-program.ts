import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { programPaths } from '#shared/program-paths.js'

/** Made known by its version: `go install github.com/nats-io/nats-server/v2@v2.15.2` puts it where Go keeps programs. */
const newestLine = [2, 15] as const

/**
 * The nats-server of the tests: the one that CENTRALPOST_TEST_NATS_SERVER names (`newest`: the one below), else the first
 * that a hub would find.
 */
export function natsServerProgram(): string {
  const named = process.env['CENTRALPOST_TEST_NATS_SERVER']
  const program = named === 'newest' ? newestNatsServer() : named || installed()
  if (program !== undefined) return program
  throw new Error(named === 'newest' ? missingNewest : 'there is no nats-server: npm run setup')
}

/** The newest nats-server that is supported, where this machine has it. */
export function newestNatsServer(): string | undefined {
  const go = [
    process.env['GOBIN'],
    ...(process.env['GOPATH'] ?? '')
      .split(delimiter)
      .filter(Boolean)
      .map((path) => join(path, 'bin')),
    join(homedir(), 'go', 'bin'),
  ]
  const folders = go.filter((path) => path !== undefined)
  const paths = [
    ...folders.map((folder) => join(folder, 'nats-server')),
    ...programPaths('nats-server'),
  ]
  return paths.find((path) => existsSync(path) && isNewest(path))
}

export const missingNewest =
  'no nats-server of the newest line here: go install github.com/nats-io/nats-server/v2@v2.15.2'

/**
 * Describes the same on both ends of what is supported: the nats-server that is installed here and the newest. Where that
 * is missing, the tests are told as skipped, and how to get it.
 */
export function describeOnEach(what: string, body: (program: string) => void): void {
  describe(`${what}, on the installed nats-server`, () => {
    body(natsServerProgram())
  })
  const newest = newestNatsServer()
  if (newest === undefined) describe.skip(`${what} (${missingNewest})`, () => body(''))
  else describe(`${what}, on the newest nats-server`, () => body(newest))
}

function installed(): string | undefined {
  return programPaths('nats-server').find((path) => existsSync(path))
}

function isNewest(path: string): boolean {
  const said = execFileSync(path, ['--version'], { encoding: 'utf8' })
  const [major = 0, minor = 0] = (/v?(\d+)\.(\d+)/.exec(said) ?? []).slice(1).map(Number)
  return major === newestLine[0] && minor >= newestLine[1]
}

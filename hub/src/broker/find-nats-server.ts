import { access, constants } from 'node:fs/promises'
import { CentralPostError, messageOf, type Logger } from '@centralpost/shared'
import { execa } from 'execa'
import { programPaths } from '@centralpost/shared/program-paths'

/** The first release of each line with the security fixes of 2026; older lines never got them. */
const fixedReleases = ['2.11.16', '2.12.12', '2.14.3']

export interface NatsServerBinary {
  readonly path: string
  /** As printed by `--version`, without the `v`. */
  readonly version: string
}

/**
 * Finds nats-server: PATH, the usual folders, then the copy made by set-up.
 *
 * @param options.binary an explicit path
 * @param options.log gets a warning when the version lacks known security fixes
 * @throws {CentralPostError} `unavailable` with installation hints
 */
export async function findNatsServer(options: {
  readonly binary?: string
  readonly env?: NodeJS.ProcessEnv
  readonly log: Logger
}): Promise<NatsServerBinary> {
  const env = options.env ?? process.env
  const path = options.binary ?? (await firstExecutable(programPaths('nats-server', env)))
  if (path === undefined) {
    throw new CentralPostError(
      'unavailable',
      'nats-server is not installed: run `centralpost setup`, or install it (`apt-get install ' +
        'nats-server`, `brew install nats-server`, `apk add nats-server`), or name a running broker in NATS_URL',
    )
  }
  const version = await versionOf(path)
  if (lacksFixes(version)) {
    options.log.warn('this nats-server lacks published security fixes: keep it on loopback', {
      path,
      version,
      fixed_in: fixedReleases,
    })
  }
  return { path, version }
}

/** Whether a release predates the fixes in its line, or its line never got them. */
export function lacksFixes(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number)
  const fixed = fixedReleases.map((release) => release.split('.').map(Number))
  const sameLine = fixed.find(([, line]) => line === minor)
  if (major !== 2) return major < 2
  if (sameLine) return patch < (sameLine[2] ?? 0)
  return minor < Math.max(...fixed.map(([, line]) => line ?? 0))
}

async function firstExecutable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await access(path, constants.X_OK)
      return path
    } catch {
      // Missing here: try the next folder.
    }
  }
  return undefined
}

async function versionOf(path: string): Promise<string> {
  try {
    const { stdout, stderr } = await execa(path, ['--version'], { timeout: 10_000 })
    const version = /v?(\d+\.\d+\.\d+\S*)/.exec(stdout + stderr)?.[1]
    if (version !== undefined) return version
  } catch (error) {
    throw new CentralPostError('unavailable', `${path} does not run: ${messageOf(error)}`, {
      cause: error,
    })
  }
  throw new CentralPostError('unavailable', `${path} reports no version: is it nats-server?`)
}

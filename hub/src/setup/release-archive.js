import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './command.js'
import { say, SetupError } from './say.js'

/** The newest nats-server that this hub is tested with. */
export const pinnedVersion = '2.15.2'

/**
 * SHA-256 of the official archives of that version, by platform, as its release page lists them in SHA256SUMS. An archive
 * without a sum here is never used: fill in what was read from that page, never what a download happened to have.
 *
 * @type {Readonly<Record<string, string | undefined>>}
 */
const sums = {
  'linux-amd64': undefined,
  'linux-arm64': undefined,
  'darwin-amd64': undefined,
  'darwin-arm64': undefined,
}

const releases = 'https://github.com/nats-io/nats-server/releases/download'
/** How long an answer may take, in milliseconds: a machine without internet goes on to the next source. */
const answerMs = 4000
/** How long the archive (7 MB) may take, in milliseconds. */
const downloadMs = 60_000

/**
 * Gets nats-server from the archive of its official release.
 *
 * @param {string} work an empty folder to work in
 * @param {Record<string, string | undefined>} [env] CENTRALPOST_NATS_RELEASES names a mirror, CENTRALPOST_NATS_SHA256 the
 *   sum of the archive for this platform
 * @returns {Promise<string>} the path of the program
 * @throws {SetupError} for a platform without an archive or without a known sum, when nobody answers, and for an archive
 *   with another sum
 */
export async function fromReleaseArchive(work, env = process.env) {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const expected = env.CENTRALPOST_NATS_SHA256 || sums[platform]
  if (expected === undefined) {
    throw new SetupError(
      `the SHA-256 of nats-server ${pinnedVersion} for ${platform} is not known here: ` +
        'read it from SHA256SUMS of its release and set CENTRALPOST_NATS_SHA256',
    )
  }
  const folder = `nats-server-v${pinnedVersion}-${platform}`
  const url = `${env.CENTRALPOST_NATS_RELEASES || releases}/v${pinnedVersion}/${folder}.tar.gz`
  const archive = await download(url)
  const sum = createHash('sha256').update(archive).digest('hex')
  if (sum !== expected.toLowerCase()) {
    throw new SetupError(`${url} has the SHA-256 ${sum} instead of ${expected}: it is not used`)
  }
  say(`fetched nats-server ${pinnedVersion} from its release; its SHA-256 is the pinned one`)
  writeFileSync(join(work, 'release.tar.gz'), archive)
  run('tar', ['-xzf', join(work, 'release.tar.gz'), '-C', work])
  const program = join(work, folder, 'nats-server')
  if (!existsSync(program)) throw new SetupError(`${url} holds no ${folder}/nats-server`)
  return program
}

/** @param {string} url @returns {Promise<Buffer>} */
async function download(url) {
  const stop = new AbortController()
  let late = setTimeout(() => stop.abort(new Error(`no answer in ${answerMs} ms`)), answerMs)
  try {
    const answer = await fetch(url, { signal: stop.signal })
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`)
    clearTimeout(late)
    late = setTimeout(() => stop.abort(new Error(`not whole in ${downloadMs} ms`)), downloadMs)
    return Buffer.from(await answer.arrayBuffer())
  } catch (error) {
    const why = error.cause?.code ?? error.cause?.message ?? error.message
    throw new SetupError(`${url}: ${why}`)
  } finally {
    clearTimeout(late)
  }
}

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { hasCommand, run } from './command.js'
import { pinnedVersion } from './release-archive.js'
import { say, SetupError } from './say.js'

const neededGo = [1, 25]

/**
 * Builds the pinned nats-server from its Go module, whose sum Go checks.
 *
 * @param {string} work an empty folder to work in
 * @returns {string} the path of the program
 * @throws {SetupError} without Go 1.25 or later, or with what Go says
 */
export function fromGoModule(work) {
  const needed = `Go ${neededGo.join('.')} or later`
  if (!hasCommand('go'))
    throw new SetupError(`building nats-server needs ${needed}: there is no go on PATH`)
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(run('go', ['env', 'GOVERSION'])) ?? []
  if (Number(major) === 1 && Number(minor) < neededGo[1]) {
    throw new SetupError(`building nats-server needs ${needed}: this is Go ${major}.${minor}`)
  }
  say(`building nats-server ${pinnedVersion} from its Go module (a minute or two)`)
  const bin = join(work, 'bin')
  mkdirSync(bin)
  run('go', ['install', `github.com/nats-io/nats-server/v2@v${pinnedVersion}`], {
    env: { ...process.env, GOBIN: bin, GOFLAGS: '', GOTOOLCHAIN: 'local' },
  })
  return join(bin, 'nats-server')
}

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { say, SetupError } from '../../hub/src/setup/say.js'

/**
 * Installs the packages of package-lock.json, unless they are installed.
 *
 * @param {string} root the project's folder
 */
export function ensureInstalled(root) {
  const lock = join(root, 'package-lock.json')
  const marker = join(root, 'node_modules', '.installed-lock')
  const installed = existsSync(marker) ? readFileSync(marker, 'utf8') : undefined
  if (installed === digest(lock)) return
  if (installed !== undefined || !installedByHand(root, lock)) {
    say(`installing the packages of ${lock} (npm install; half a minute the first time)`)
    // npm ci would refuse: registries may lack builds for other platforms that the lock file names.
    // Without --no-save npm would write its own view of install scripts into the lock file of a
    // fresh clone.
    const { status, error } = spawnSync(
      'npm',
      ['install', '--no-save', '--no-fund', '--no-audit'],
      {
        cwd: root,
        stdio: ['ignore', 2, 2],
        shell: process.platform === 'win32',
      },
    )
    if (status !== 0) {
      const how = error ? error.message : `exit code ${status}`
      throw new SetupError(`npm install failed (${how}): see above, and run it again by hand`)
    }
  }
  writeFileSync(marker, digest(lock))
}

/** Whether `npm install` has run since the lock file last changed. */
function installedByHand(root, lock) {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  return existsSync(hidden) && statSync(hidden).mtimeMs >= statSync(lock).mtimeMs
}

function digest(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

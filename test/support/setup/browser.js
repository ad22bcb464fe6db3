import { delimiter, join } from 'node:path'
import { hasCommand, isExecutable, run } from '../../../hub/src/setup/command.js'
import { say } from '../../../hub/src/setup/say.js'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/**
 * Where a Chromium is, for the tests of the operators' page.
 *
 * @param {Record<string, string | undefined>} [env] where PATH and CENTRALPOST_CHROMIUM are read from
 * @returns {string | undefined}
 */
export function findBrowser(env = process.env) {
  if (env.CENTRALPOST_CHROMIUM) return env.CENTRALPOST_CHROMIUM
  const folders = [...(env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/bin']
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable)
}

/**
 * Installs Debian's Chromium where that is possible without asking: as root, with apt. Elsewhere the tests in a browser are
 * skipped, and say so.
 */
export function ensureBrowser() {
  if (findBrowser() !== undefined) return
  const isRoot = process.getuid?.() === 0
  if (!isRoot || !hasCommand('apt-get')) {
    say('going on without Chromium, so the tests of the page are skipped: install it to run them')
    return
  }
  say('installing Chromium with apt, for the tests of the operators’ page')
  const install = ['install', '-y', '--no-install-recommends', 'chromium']
  try {
    try {
      run('apt-get', install)
    } catch {
      // the machine's lists are missing or old
      run('apt-get', ['update'])
      run('apt-get', install)
    }
  } catch (error) {
    say(`going on without Chromium, so the tests of the page are skipped: ${error.message}`)
  }
}

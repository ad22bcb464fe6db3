import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hasCommand, isExecutable, run } from './command.js'
import { say, SetupError } from './say.js'

/**
 * Gets a program from the first package manager that has it.
 *
 * @param {import('./program.js').Program} program
 * @param {string} work an empty folder to work in
 * @returns {string | undefined} the path of the program; undefined when it was installed
 *   system-wide
 * @throws {SetupError} listing the attempts and the package to install
 */
export function fromPackageManager(program, work) {
  const ways = [
    { command: 'apt-get', get: withApt },
    { command: 'brew', get: withBrew },
    { command: 'apk', get: withApk },
    ...(program.image && process.platform === 'linux'
      ? [{ command: 'docker', get: withDocker }]
      : []),
  ].filter(({ command }) => hasCommand(command))
  const failures = []
  for (const { command, get } of ways) {
    try {
      return get(program, work)
    } catch (error) {
      failures.push(`  tried ${command}: ${error.message}`)
    }
  }
  throw new SetupError(
    [
      `${program.name} is not on this machine and could not be fetched; install it ` +
        `(\`apt-get install ${program.packageName}\`, \`brew install ${program.packageName}\`, ` +
        `\`apk add ${program.packageName}\`) and try again`,
      ...failures,
    ].join('\n'),
  )
}

/** Downloads and unpacks the package by hand: needs no root and installs no service. */
function withApt({ name, packageName }, work) {
  say(`fetching ${name} with apt: a private copy, without root and without a service`)
  const state = join(work, 'apt')
  for (const folder of ['lists/partial', 'archives/partial']) {
    mkdirSync(join(state, folder), { recursive: true })
  }
  const own = [
    ['Dir::State::Lists', join(state, 'lists')],
    ['Dir::Cache', state],
    // apt would run as its own user, who may have no access to this folder.
    ['APT::Sandbox::User', ''],
  ].flatMap(([key, value]) => ['-o', `${key}=${value}`])
  try {
    run('apt-get', ['download', packageName], { cwd: work })
  } catch {
    // The package lists are missing or old: downloads fresh ones, for this time only.
    run('apt-get', [...own, 'update'])
    run('apt-get', [...own, 'download', packageName], { cwd: work })
  }
  const archive = readdirSync(work).find((file) => file.endsWith('.deb'))
  if (archive === undefined) throw new SetupError(`apt has no package ${packageName}`)
  run('dpkg-deb', ['-x', join(work, archive), join(work, 'unpacked')])
  return unpackedProgram(name, join(work, 'unpacked'))
}

function withBrew({ name, packageName }) {
  say(`installing ${name} with brew`)
  run('brew', ['install', packageName])
}

function withApk({ name, packageName }, work) {
  say(`fetching ${name} with apk: a private copy, without root`)
  run('apk', ['fetch', '--no-cache', '--output', work, packageName])
  const archive = readdirSync(work).find((file) => file.endsWith('.apk'))
  if (archive === undefined) throw new SetupError(`apk has no package ${packageName}`)
  mkdirSync(join(work, 'unpacked'))
  run('tar', ['-xzf', join(work, archive), '-C', join(work, 'unpacked')])
  return unpackedProgram(name, join(work, 'unpacked'))
}

function withDocker({ name, image }, work) {
  say(`copying ${name} out of the Docker image ${image}`)
  const container = run('docker', ['create', image]).trim()
  try {
    run('docker', ['cp', `${container}:/${name}`, join(work, name)])
  } finally {
    run('docker', ['rm', container])
  }
  return join(work, name)
}

function unpackedProgram(name, folder) {
  const paths = ['usr/sbin', 'usr/bin', 'sbin', 'bin'].map((sub) => join(folder, sub, name))
  const found = paths.find(isExecutable)
  if (found === undefined) throw new SetupError(`the package holds no program ${name}`)
  return found
}

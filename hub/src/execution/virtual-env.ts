import { statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Plan } from '@centralpost/shared'

const folderNames = ['.venv', 'venv', 'env', 'virtualenv']
const maxLevels = 8

/**
 * Looks for a virtual environment in a folder and those above it.
 *
 * @returns the environment's own folder, null where there is none within eight levels
 */
export function findVenv(cwd: string): string | null {
  let folder = cwd
  for (let level = 0; level < maxLevels; level += 1) {
    for (const name of folderNames) {
      const candidate = join(folder, name)
      if (isVenv(candidate)) return candidate
    }
    const parent = dirname(folder)
    if (parent === folder) return null
    folder = parent
  }
  return null
}

/** Whether a folder is a virtual environment that can be activated. */
export function isVenv(folder: string): boolean {
  return isFile(join(folder, 'pyvenv.cfg')) && isFile(join(folder, 'bin', 'activate'))
}

/** The line that activates a virtual environment in a shell. */
export function activationCommand(venv: string): string {
  const file = join(venv, 'bin', 'activate')
  return `source ${/^[\w@%+=:,./-]+$/.test(file) ? file : `'${file.replaceAll("'", String.raw`'\''`)}'`}`
}

/** A warning for a plan that would change Python packages outside any virtual environment, else null. */
export function pipWarning(plan: Plan, cwd: string): string | null {
  if (plan.venv !== undefined || !changesPackages(plan)) return null
  const venv = findVenv(cwd)
  const way =
    venv === null
      ? 'make one with "python3 -m venv .venv"'
      : `there is one: run "${activationCommand(venv)}" first, or its own bin/pip`
  return `pip works on the system's Python here, no virtual environment is active; ${way}`
}

const pipInScript = /(?:^|[\s;&|(])pip[\d.]*\s+(?:-\S+\s+)*(?:un)?install(?:\s|$)/

function changesPackages(plan: Plan): boolean {
  if (plan.kind === 'script') return pipInScript.test(plan.script)
  const [program = '', ...args] = plan.argv
  const name = basename(program)
  const own = /^python[\d.]*$/.test(name) && args[0] === '-m' && args[1] === 'pip'
  if (!own && !/^pip[\d.]*$/.test(name)) return false
  const verb = args.slice(own ? 2 : 0).find((arg) => !arg.startsWith('-'))
  const inVenv = program.includes('/') && isVenv(dirname(dirname(program)))
  return (verb === 'install' || verb === 'uninstall') && !inVenv
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    // Missing, or not to be looked at (a folder that is closed to the hub, a link to itself).
    return false
  }
}

import { readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Plan } from '@centralpost/shared'
import { quoteIfNeeded } from '@centralpost/shared/light'
import { poetryEnvs } from './poetry-env.ts'

const folderNames = ['.venv', 'venv', 'env', 'virtualenv', '.conda']
const maxLevels = 8

/**
 * Searches a folder and its parents for a virtual environment: of venv or virtualenv, of conda, or
 * Poetry's for the project in the folder.
 *
 * @param home the folder that contains Poetry's cache
 * @returns the environment's folder, null if none is found within eight levels
 */
export function findVenv(cwd: string, home = homedir()): string | null {
  let folder = cwd
  for (let level = 0; level < maxLevels; level += 1) {
    const own = folderNames.map((name) => join(folder, name))
    const found = own.find(isVenv) ?? poetryEnvs(folder, home).find(isVenv)
    if (found !== undefined) return found
    const parent = dirname(folder)
    if (parent === folder) return null
    folder = parent
  }
  return null
}

/** Whether a folder is a virtual environment that can be activated. */
export function isVenv(folder: string): boolean {
  return isPython(folder) || isConda(folder)
}

/** The line that activates a virtual environment in a shell. */
export function activationCommand(venv: string): string {
  const isOfConda = !isPython(venv) && isConda(venv)
  return isOfConda
    ? `conda activate ${quoteIfNeeded(venv)}`
    : `source ${quoteIfNeeded(join(venv, 'bin', 'activate'))}`
}

/** Variables that an active environment adds to a command, besides its place on PATH. */
export function venvVariables(venv: string): Record<string, string> {
  return isPython(venv) ? { VIRTUAL_ENV: venv } : { CONDA_PREFIX: venv }
}

const interpreters = /^(?:python|pip)[\d.]*$/

/**
 * The environment's programs for commands without approval: its Python and pip. Other files in its
 * folder are code of a project under any name: an `ls`, a `git`.
 *
 * @returns names with paths; empty if it is no environment
 */
export function lentPrograms(venv: string): ReadonlyMap<string, string> {
  try {
    const names = readdirSync(join(venv, 'bin')).filter((name) => interpreters.test(name))
    return new Map(names.map((name) => [name, join(venv, 'bin', name)]))
  } catch {
    // missing, or unreadable for this user
    return new Map()
  }
}

/** A line of shell code by which bash finds these programs in any case. */
export function lendingLine(programs: ReadonlyMap<string, string>): string {
  return [...programs].map(([name, path]) => `hash -p ${quoteIfNeeded(path)} ${name}; `).join('')
}

const pythonPrograms =
  /^(?:python[\d.]*|pip[\d.]*|pytest|py\.test|tox|nox|mypy|ruff|black|isort|flake8|pylint|coverage|ipython[\d.]*|jupyter|uvicorn|gunicorn|flask|django-admin|celery|alembic)$/

/**
 * Whether a virtual environment matters for a command's programs.
 *
 * @param programs the first words of its parts; a path already denotes one program
 */
export function isForPython(programs: readonly string[]): boolean {
  return programs.some((program) => pythonPrograms.test(program))
}

function isPython(folder: string): boolean {
  return isFile(join(folder, 'pyvenv.cfg')) && isFile(join(folder, 'bin', 'activate'))
}

function isConda(folder: string): boolean {
  return isFile(join(folder, 'conda-meta', 'history')) && isFile(join(folder, 'bin', 'python'))
}

/** A warning for a plan that would change Python packages outside any virtual environment, else null. */
export function pipWarning(plan: Plan, cwd: string): string | null {
  if (plan.venv !== undefined || !changesPackages(plan)) return null
  const venv = findVenv(cwd)
  const way =
    venv === null
      ? 'make one with "python3 -m venv .venv"'
      : `activate it with "${activationCommand(venv)}" first, or use its own bin/pip`
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
    // Missing or inaccessible (closed to the hub, or a circular symlink).
    return false
  }
}

import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Plan } from '@centralpost/shared'
import { markVariables, type RunMarks } from '../processes/marks.ts'
import { venvVariables } from './virtual-env.ts'

/** The sources of a command's environment. */
export interface EnvironmentParts {
  /** The hub's variables that commands get, as selected by `passedVariables`. */
  readonly env: Readonly<Record<string, string>>
  readonly path: string
  readonly request: Readonly<Record<string, string>>
  readonly plan: Plan
  readonly marks: RunMarks
  /**
   * whether names resolve to programs of the plan's virtual environment, before those of the system
   */
  readonly findsOfVenv: boolean
}

/**
 * Variables with the hub's own secrets, or mistakable for its settings: never passed on, whatever
 * the list says.
 */
const ownNames = /^(NATS|CENTRALPOST)_/

/** The hub's variables for its commands: those of the allow list, and always a home. */
export function passedVariables(
  hubEnv: Readonly<Record<string, string | undefined>>,
  passEnv: readonly string[],
): Record<string, string> {
  const passed: Record<string, string> = { HOME: homedir() }
  for (const name of passEnv) {
    const value = hubEnv[name]
    if (value !== undefined && !ownNames.test(name)) passed[name] = value
  }
  return passed
}

/**
 * Builds the complete environment of a command. Later sources win: passed variables of the hub,
 * fixed ones, the request's, the plan's, the virtual environment's, the marks.
 */
export function buildEnvironment(parts: EnvironmentParts): Record<string, string> {
  const { plan, request } = parts
  const environment: Record<string, string> = { ...parts.env, PATH: parts.path }
  environment['TERM'] = 'dumb'
  // Messages are categorised by their English text; UTF-8 stays UTF-8. A request may choose another
  // language.
  if (request['LANG'] === undefined && request['LC_ALL'] === undefined) {
    environment['LC_ALL'] = 'C.UTF-8'
  }
  Object.assign(environment, request, plan.env)
  if (plan.venv !== undefined) {
    Object.assign(environment, venvVariables(plan.venv))
    if (parts.findsOfVenv) {
      environment['PATH'] = `${join(plan.venv, 'bin')}${delimiter}${environment['PATH']}`
    }
    // python would prefer it to the environment's own library
    delete environment['PYTHONHOME']
  }
  return Object.assign(environment, markVariables(parts.marks))
}

import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Plan } from '@centralpost/shared'
import { markVariables, type Marks } from './marks.ts'

/** What a command's environment is made of. */
export interface EnvironmentParts {
  readonly hubEnv: Readonly<Record<string, string | undefined>>
  readonly passEnv: readonly string[]
  readonly path: string
  readonly request: Readonly<Record<string, string>>
  readonly plan: Plan
  readonly marks: Required<Marks>
}

/** Names that carry the hub's own secrets or would be taken for its settings: never passed on, whatever the list says. */
const ownNames = /^(NATS|CENTRALPOST)_/

/**
 * Builds the whole environment of a command. Later wins: the allowed of the hub's own variables, fixed ones, the
 * request's, the plan's, the virtual environment's, the marks.
 */
export function buildEnvironment(parts: EnvironmentParts): Record<string, string> {
  const { plan, request } = parts
  const environment: Record<string, string> = { HOME: homedir() }
  for (const name of parts.passEnv) {
    const value = parts.hubEnv[name]
    if (value !== undefined && !ownNames.test(name)) environment[name] = value
  }
  environment['PATH'] = parts.path
  environment['TERM'] = 'dumb'
  // Messages are judged by their English text; UTF-8 stays UTF-8. A request may choose another language for itself.
  if (request['LANG'] === undefined && request['LC_ALL'] === undefined) {
    environment['LC_ALL'] = 'C.UTF-8'
  }
  Object.assign(environment, request, plan.env)
  if (plan.venv !== undefined) {
    environment['VIRTUAL_ENV'] = plan.venv
    environment['PATH'] = `${join(plan.venv, 'bin')}${delimiter}${environment['PATH']}`
    // python would prefer this one to the environment's own library.
    delete environment['PYTHONHOME']
  }
  return Object.assign(environment, markVariables(parts.marks))
}

import { arch, homedir, hostname, platform, userInfo } from 'node:os'
import { resolveProgram } from './resolve-program.ts'
import { findVenv } from './virtual-env.ts'

/** Facts that help an agent to write a command. */
export interface SystemState {
  readonly cwd: string
  readonly venv_active: boolean
  readonly venv_path: string | null
  readonly user: string
  readonly home: string
  readonly python_executable: string | null
  readonly node_executable: string | null
  readonly node_version: string
  readonly shell: string
  readonly path: string
  readonly hostname: string
  readonly platform: string
  readonly arch: string
}

/** Reads the state that commands in `cwd` find; starts nothing. */
export function readSystemState(
  cwd: string,
  settings: { readonly path: string; readonly bashPath: string; readonly venvActive: boolean },
): SystemState {
  const find = (...names: string[]) => {
    for (const name of names) {
      const found = resolveProgram(name, settings.path, cwd)
      if ('file' in found) return found.file
    }
    return null
  }
  return {
    cwd,
    venv_active: settings.venvActive,
    venv_path: findVenv(cwd),
    user: userInfo().username,
    home: homedir(),
    python_executable: find('python3', 'python'),
    node_executable: find('node'),
    node_version: process.version,
    shell: settings.bashPath,
    path: settings.path,
    hostname: hostname(),
    platform: platform(),
    arch: arch(),
  }
}

import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'

/** Names that denote folders themselves. */
const notPrograms = new Set(['', '.', '..'])

/** The path of a program, or the reason why it cannot be started. */
export type ResolvedProgram =
  | { readonly file: string }
  | { readonly fault: 'ENOENT' | 'EACCES'; readonly message: string }

/**
 * Resolves a program like a shell, with one difference: a bare name is searched for in the absolute
 * folders of PATH only. A file in the working directory is thus never started for a command of the
 * same name.
 */
export function resolveProgram(name: string, path: string, cwd: string): ResolvedProgram {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder))
  const places = name.includes('/')
    ? [resolve(cwd, name)]
    : folders.filter(() => !notPrograms.has(name)).map((folder) => join(folder, name))
  let found: string | null = null
  for (const file of places) {
    const kind = look(file)
    if (kind === 'program') return { file }
    if (kind === 'other') found ??= file
  }
  if (found !== null) {
    return { fault: 'EACCES', message: `"${found}" is not an executable file` }
  }
  return {
    fault: 'ENOENT',
    message: name.includes('/')
      ? `program "${name}" does not exist`
      : `program "${name}" is not in any folder of PATH (${folders.join(delimiter)})`,
  }
}

function look(file: string): 'program' | 'other' | 'missing' {
  try {
    if (!statSync(file).isFile()) return 'other'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'other' : 'missing'
  }
  try {
    accessSync(file, constants.X_OK)
    return 'program'
  } catch {
    // The file exists and is not executable.
    return 'other'
  }
}

import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const hasCompiler = spawnSync('cc', ['--version']).status === 0

/** Builds a library that is preloaded to make calls lie or fail, from its C source beside this file; gives its path. */
export function builtLibrary(name: 'failing-disk' | 'stepping-clock', folder: string): string {
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url))
  const library = join(folder, `${name}.so`)
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl'])
  return library
}

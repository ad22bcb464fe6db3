import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isHeldPath } from '@centralpost/shared/light'

/**
 * Finds Poetry's environments of a project without one in its own folder: in Poetry's cache, under
 * the project's name and a hash of its path, as `EnvManager.generate_env_name` makes it.
 *
 * @param project a folder that may hold Poetry's `pyproject.toml`
 * @param home the folder that contains Poetry's cache
 * @returns candidate folders, newest Python first; empty if it is no Poetry project or has no
 *   environment
 */
export function poetryEnvs(project: string, home: string): string[] {
  const name = poetryName(join(project, 'pyproject.toml'))
  if (name === null) return []
  const cache = join(home, '.cache', 'pypoetry', 'virtualenvs')
  const hash = createHash('sha256').update(project).digest('base64url').slice(0, 8)
  const prefix = `${name.replaceAll(/[ $`!*@"\\\r\n\t]/g, '_').slice(0, 42)}-${hash}-py`
  return namesIn(cache)
    .filter((entry) => entry.startsWith(prefix))
    .toSorted((one, other) => other.localeCompare(one, 'en', { numeric: true }))
    .map((entry) => join(cache, entry))
}

/** The name of a Poetry project, in the form used for environments. */
function poetryName(file: string): string | null {
  let text: string
  try {
    if (isHeldPath(file)) return null
    text = readFileSync(file, 'utf8')
  } catch {
    // missing or unreadable
    return null
  }
  if (!/^\s*\[tool\.poetry[\].]|poetry-core/m.test(text)) return null
  const name = /^\s*name\s*=\s*["']([^"']{1,128})["']/m.exec(text)?.[1]
  return name?.toLowerCase().replaceAll(/[-_.]+/g, '-') ?? null
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Poetry has created none
    return []
  }
}

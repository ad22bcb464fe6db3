import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isHeldPath } from '@centralpost/shared/light'

/**
 * Where Poetry keeps the environment of a project that has none in its own folder: in its cache, under the project's name
 * and a hash of the project's path, as `EnvManager.generate_env_name` of Poetry makes it.
 *
 * @param project the folder that may hold a `pyproject.toml` of Poetry's
 * @param home the folder that Poetry's cache is in
 * @returns folders to look at, newest Python first; empty where the project is none of Poetry's or has none made
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

/** The name of a project of Poetry's, as Poetry writes it in the names of environments. */
function poetryName(file: string): string | null {
  let text: string
  try {
    if (isHeldPath(file)) return null
    text = readFileSync(file, 'utf8')
  } catch {
    // no such file, or not to be read
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
    // Poetry has made none
    return []
  }
}

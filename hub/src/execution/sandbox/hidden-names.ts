import { isWithin } from '@centralpost/shared/light'
import { homeSecrets, systemSecrets } from './credential-names.ts'
import { socketPlaces } from './hidden-paths.ts'
import type { Sandbox } from './sandbox.ts'

/**
 * Warns of named paths that the command cannot see.
 *
 * @param paths named by the command, absolute
 */
export function hiddenNames(paths: readonly string[], cwd: string, sandbox: Sandbox): string[] {
  const { homes, hidden } = sandbox
  const places = [
    ...socketPlaces,
    ...systemSecrets,
    ...hidden.filter((place) => !isWithin(cwd, place)),
    ...homes.flatMap((home) => homeSecrets.map((name) => `${home}/${name}`)),
  ]
  const named = places.filter((place) => paths.some((path) => isWithin(path, place)))
  if (named.length === 0) return []
  return [`the sandbox hides ${named.join(', ')}: the command's statements on that may be wrong`]
}

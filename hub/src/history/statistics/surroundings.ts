import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Files that tell what kind of directory it is. */
const tellingFiles = [
  'pyproject.toml',
  'setup.py',
  'requirements.txt',
  'package.json',
  'Cargo.toml',
  'go.mod',
  'pom.xml',
  'build.gradle',
  'Gemfile',
  'composer.json',
  'Makefile',
  'CMakeLists.txt',
  'Dockerfile',
  'docker-compose.yml',
  'compose.yaml',
  '.git',
  '.venv',
  'venv',
]

const kinds: readonly (readonly [string, readonly string[]])[] = [
  ['python-project', ['pyproject.toml', 'setup.py', 'requirements.txt']],
  ['node-project', ['package.json']],
  ['rust-project', ['Cargo.toml']],
  ['go-project', ['go.mod']],
  ['java-project', ['pom.xml', 'build.gradle']],
  ['ruby-project', ['Gemfile']],
  ['php-project', ['composer.json']],
  ['c-project', ['CMakeLists.txt', 'Makefile']],
  ['repository', ['.git']],
]

export interface Surroundings {
  readonly cwdKind: string
  readonly files: readonly string[]
}

/**
 * What a directory held when a command was started in it, seen soon afterwards: what was made since is left out.
 *
 * @param before milliseconds since 1970
 * @returns null when it cannot be looked at
 */
export function surroundingsOf(cwd: string, before: number): Surroundings | null {
  try {
    const there = new Set(readdirSync(cwd))
    const files = tellingFiles.filter((name) => {
      if (!there.has(name)) return false
      // some file systems do not keep when a file was made: they say 0, or when it was changed
      return statSync(join(cwd, name)).birthtimeMs < before
    })
    const kind = kinds.find(([, names]) => names.some((name) => files.includes(name)))
    return { cwdKind: kind?.[0] ?? 'directory', files }
  } catch {
    // gone, or not ours to read: then nothing is known
    return null
  }
}

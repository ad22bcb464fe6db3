import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Files that reveal the kind of a directory. */
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
 * The content of a directory when a command started there, read soon afterwards: newer files are
 * left out.
 *
 * @param before milliseconds since 1970
 * @returns null when it is inaccessible
 */
export function surroundingsOf(cwd: string, before: number): Surroundings | null {
  try {
    const there = new Set(readdirSync(cwd))
    const files = tellingFiles.filter((name) => {
      if (!there.has(name)) return false
      // some file systems keep no birth time: they return 0, or the change time
      return statSync(join(cwd, name)).birthtimeMs < before
    })
    const kind = kinds.find(([, names]) => names.some((name) => files.includes(name)))
    return { cwdKind: kind?.[0] ?? 'directory', files }
  } catch {
    // gone or unreadable: nothing is known
    return null
  }
}

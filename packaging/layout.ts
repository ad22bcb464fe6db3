import { fileURLToPath } from 'node:url'

/** The clone's folder, with its last slash. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** Where the package is made: the folder that `npm pack` is given. */
export const place = fileURLToPath(new URL('../dist/package', import.meta.url))

/** The folder of the package in which all of its programs lie, side by side. */
export const programFolder = 'lib'

/** What a user of the package imports: `centralpost/NAME`. */
export const doors: Readonly<Record<string, string>> = {
  agent: 'agents/src/agent/index.ts',
  operator: 'agents/src/operator/index.ts',
  hub: 'embed/index.ts',
}

/** What is started by its path: a command, a child process, a thread. */
export const programs: Readonly<Record<string, string>> = {
  centralpost: 'agents/bin/centralpost.js',
  'centralpost-hub': 'hub/bin/centralpost-hub.js',
  runner: 'hub/src/execution/runner/main.ts',
  'history-thread': 'hub/src/history/threads/history-thread.ts',
  'sqlite-pages': 'hub/src/history/store/dialect/sqlite-pages.ts',
  'demo-operator': 'agents/src/demo/operator-process.ts',
}

/** Programs that one workspace knows of another by name only. */
export const namedPrograms: Readonly<Record<string, string>> = {
  '@centralpost/hub/program': 'centralpost-hub',
  '@centralpost/agents/program': 'centralpost',
}

/** Files and folders that go into the package as they are: where they lie in the clone, and in the package. */
export const files: Readonly<Record<string, string>> = {
  'config/trust_rules.yaml': 'config/trust_rules.yaml',
  'config/centralpost.yaml': 'config/centralpost.yaml',
  'hub/src/trust/knowledge': 'config/knowledge',
  'agents/src/demo/plans': 'config/plans',
  'agents/dist/console': 'console',
  docs: 'docs',
  'README.md': 'README.md',
  'SECURITY.md': 'SECURITY.md',
  'CHANGELOG.md': 'CHANGELOG.md',
  LICENSE: 'LICENSE',
}

/** Files that the package has one of, written for it. */
export const writtenFiles: Readonly<Record<string, string>> = {
  'hub/package.json': 'package.json',
  'agents/package.json': 'package.json',
}

/**
 * Libraries that are rolled into the package's own files, since every command loads them: 170 files that are looked up one
 * by one cost more than all the work of `centralpost request`.
 */
export const rolledIn: readonly string[] = [
  'commander',
  'nats',
  'nkeys.js',
  'tweetnacl',
  'ulid',
  'zod',
]

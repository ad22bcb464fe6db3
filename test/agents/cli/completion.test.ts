import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type CommandTree, complete as completeIn } from '@centralpost/shared'
import { commandLine } from '#agents/cli/command-line.ts'
import { asksForHub } from '#agents/cli/hub-commands.ts'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'
import { TempDir } from '../../support/temp-dir.ts'
import { cli } from './run-cli.ts'

const bin = fileURLToPath(new URL('../../../agents/bin/centralpost.js', import.meta.url))
const complete = async (...words: string[]): Promise<string[]> => {
  const { stdout } = await cli(['__complete', '--', ...words])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '')
}

describe('what may come next', () => {
  test.each([
    ['a command', ['app'], ['approve']],
    ['an inner command', ['history', 'veri'], ['verify']],
    ['an option', ['approve', '--dec'], ['--decision']],
    ['a value', ['approve', '--decision', 'approve_o'], ['approve_once']],
    ['a value after =', ['tail', '--level=R'], ['--level=REVIEW']],
    ['a value that bash broke apart', ['tail', '--level', '=', 'R'], ['REVIEW']],
    ['an argument', ['completion', 'f'], ['fish']],
    ['an inner command of the hub’s program', ['credentials', 'li'], ['list']],
    ['an option of the hub’s program', ['up', '--log'], ['--log-level']],
    ['a directory', ['pending', '--data', ''], [':directories']],
    ['a file', ['agent', '--plan', ''], [':files']],
    ['nothing in the command of an agent', ['request', '--', 'gi'], []],
    ['nothing for what is no command', ['nosuch', ''], []],
  ])('is %s', async (_, words, expected) => {
    expect(await complete(...words)).toEqual(expected)
  })

  test('every command of the tree is offered, so that completion never goes stale', async () => {
    const { stdout } = await cli(['--help'])
    const listed = [...stdout.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name)
    expect(await complete('')).toEqual(listed.filter((name) => name !== 'help'))
  })
})

describe('every command', () => {
  const leaves = (command: CommandTree, path: readonly string[] = []): string[][] => [
    ...command.commands.flatMap((inner) => leaves(inner, [...path, inner.name()])),
    ...(command.commands.length === 0 ? [[...path]] : []),
  ]
  const handedOver = [
    ...['add', 'show', 'list', 'revoke'].map((inner) => ['credentials', inner]),
    ...['lint', 'test', 'recheck'].map((inner) => ['rules', inner]),
  ]
  test('has --json', async () => {
    const whole = await commandLine()
    const own = leaves(whole).filter(
      (path) =>
        path[0] !== 'credentials' && !handedOver.some((other) => other.join() === path.join()),
    )
    expect(own.length).toBeGreaterThan(20)
    for (const path of [...own, ...handedOver]) {
      const offered = asksForHub(path)
        ? await complete(...path, '--json')
        : completeIn(whole, [...path, '--json']).candidates.map(({ word }) => word)
      expect([path.join(' '), ...offered.slice(0, 1)]).toEqual([path.join(' '), '--json'])
    }
  })
})

describe('with a hub', () => {
  let it: TestHub
  let dir: TempDir

  beforeAll(async () => {
    dir = await TempDir.make()
    it = await TestHub.start()
    const script = `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`
    await writeFile(join(dir.path, 'centralpost'), script)
    await chmod(join(dir.path, 'centralpost'), 0o755)
    const agent = await it.agent('agent-a')
    const alice = await it.operator('alice')
    await agent.requestAction({ actionId: 'waits-1', command: 'touch $(id)', cwd: it.workspace })
    await eventually(async () => (await alice.pending()).length === 1)
  })

  afterAll(async () => {
    await it[Symbol.asyncDispose]()
    await dir[Symbol.asyncDispose]()
  })

  const shell = async (program: string, script: string): Promise<string> => {
    const { stdout } = await promisify(execFile)(program, ['-c', script], {
      env: {
        HOME: dir.path,
        PATH: `${dir.path}:/usr/local/bin:/usr/bin:/bin`,
        CENTRALPOST_DATA: it.dataDir,
        CENTRALPOST_OPERATOR: 'alice',
      },
    })
    return stdout
  }

  test('bash completes commands and the ids of what waits', async () => {
    const script = `source <(centralpost completion bash)
      COMP_WORDS=(centralpost approve w); COMP_CWORD=2; _centralpost; echo "\${COMPREPLY[@]}"
      COMP_WORDS=(centralpost den); COMP_CWORD=1; _centralpost; echo "\${COMPREPLY[@]}"`
    expect(await shell('bash', script)).toBe('waits-1\ndeny\n')
  })

  const others = [
    ['fish', 'centralpost completion fish | source; complete -C "centralpost deny w"', 'waits-1\t'],
    [
      'zsh',
      'compdef() { echo "$@" }; source <(centralpost completion zsh); ' +
        '_describe() { print -l $items }; words=(centralpost deny w); CURRENT=3; _centralpost',
      '_centralpost centralpost\nwaits-1:',
    ],
  ] as const
  const installed = others.filter(([name]) => existsSync(`/usr/bin/${name}`))
  test('other shells that are here complete the ids of what waits', async () => {
    for (const [name, script, expected] of installed) {
      expect(await shell(name, script)).toContain(expected)
    }
  })
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { phaseAt, positionOf, WrittenPlan } from '@centralpost/agents'
import { quoteIfNeeded } from '@centralpost/shared'
import { TempDir } from '../../support/temp-dir.ts'

describe('a written plan', () => {
  test('gives its steps in order, then null', async () => {
    await using folder = await TempDir.make()
    const path = join(folder.path, 'plan.yaml')
    await writeFile(
      path,
      [
        'task: look',
        'steps:',
        '  - command: git status',
        '    context: what changed',
        '    timeout: 5',
        '  - argv: [ls, -la]',
        '    expect: [completed, failed]',
        '    only_if: SAFE',
        '    on_unexpected: stop',
      ].join('\n'),
    )
    const plan = await WrittenPlan.read(path)
    expect(plan.task).toBe('look')
    expect(plan).toHaveLength(2)
    expect(await plan.next()).toEqual({
      command: 'git status',
      context: 'what changed',
      timeoutSeconds: 5,
      expect: ['completed'],
      onUnexpected: 'continue',
    })
    expect(await plan.next()).toEqual({
      argv: ['ls', '-la'],
      expect: ['completed', 'failed'],
      onlyIf: 'SAFE',
      onUnexpected: 'stop',
    })
    expect(await plan.next()).toBeNull()
  })

  test('quotes a value for the shell in a command, and nowhere else', async () => {
    const value = "a b'; rm -rf ~"
    const steps = [
      { command: 'ls {{dir}}/x' },
      { argv: ['ls', '{{dir}}/x'], context: 'of {{dir}}' },
    ]
    const plan = WrittenPlan.of({ task: 'in {{dir}}', steps }, { dir: value }, 'plan.yaml')
    expect(plan.task).toBe(`in ${value}`)
    expect((await plan.next())?.command).toBe(String.raw`ls 'a b'\''; rm -rf ~'/x`)
    expect(await plan.next()).toMatchObject({ argv: ['ls', `${value}/x`], context: `of ${value}` })
  })

  test('does not fill in what a value itself contains', async () => {
    const plan = WrittenPlan.of(
      { task: 't', steps: [{ argv: ['echo', '{{a}}'] }] },
      { a: '{{b}}', b: 'no' },
      'plan.yaml',
    )
    expect((await plan.next())?.argv).toEqual(['echo', '{{b}}'])
  })

  test.each([
    ['a step with command and argv', { steps: [{ command: 'ls', argv: ['ls'] }] }, 'exactly one'],
    ['a step with neither', { steps: [{ context: 'why' }] }, 'exactly one'],
    ['an unknown key', { steps: [{ comand: 'ls' }] }, 'comand'],
    ['no steps', { steps: [] }, 'steps'],
    ['an unknown ending', { steps: [{ command: 'ls', expect: ['fine'] }] }, 'expect'],
    ['a value that was not given', { steps: [{ command: 'ls {{dir}}' }] }, '--set NAME=VALUE'],
  ])('refuses %s and says what is wrong in which file', (_, plan, message) => {
    const read = (): unknown => WrittenPlan.of({ task: 't', ...plan }, {}, 'my-plan.yaml')
    expect(read).toThrow(message)
    expect(read).toThrow('my-plan.yaml')
  })

  test('takes no name of every object for a value that was given', () => {
    expect(() =>
      WrittenPlan.of({ task: 't', steps: [{ command: '{{constructor}}' }] }, {}, 'plan.yaml'),
    ).toThrow('constructor')
  })
})

describe('where an agent is on its way', () => {
  test('goes from 0 to 1 over a plan of known length', () => {
    expect([0, 1, 2, 3, 4].map((step) => positionOf(step, 5))).toEqual([0, 0.25, 0.5, 0.75, 1])
    expect(positionOf(0, 1)).toBe(1)
    expect(positionOf(9, 5)).toBe(1)
  })

  test('comes nearer to 1 with every step when the length is not known', () => {
    const positions = [0, 1, 2, 20].map((step) => positionOf(step, undefined))
    expect(positions[0]).toBe(0)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(positions.at(-1)).toBeLessThan(1)
  })

  test('decides the phase', () => {
    const phases = [
      { name: 'look', until: 0.5, looksOnly: true },
      { name: 'act', until: 1, looksOnly: false },
    ] as const
    const role = { type: 't', phases: [phases[0], phases[1]] as const }
    expect([0, 0.49, 0.5, 1].map((at) => phaseAt(role, at).name)).toEqual([
      'look',
      'look',
      'act',
      'act',
    ])
  })
})

test('quoting leaves plain words alone', () => {
  expect(quoteIfNeeded('/usr/bin/x-1.0')).toBe('/usr/bin/x-1.0')
  expect(quoteIfNeeded('')).toBe("''")
  expect(quoteIfNeeded('a b')).toBe("'a b'")
})

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'

const program = fileURLToPath(new URL('../../../hub/bin/centralpost-hub.js', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the hub's command line to its end. */
function centralpost(args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.end(input)
  })
}

describe('classify', () => {
  test('explains each part, the reasons, the risk and what would run', async () => {
    const { code, stdout } = await centralpost(['classify', 'ls | wc -l; sudo rm -rf /'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^BLOCKED {2}risk high/)
    expect(stdout).toContain('remove-critical: deletes the system')
    expect(stdout).toMatch(/SAFE {4}wc -l/)
    expect(stdout).toMatch(
      /risk: high: \d+ points \(medium from 20, high from 50\): elevated: sudo \+30/,
    )
  })

  test('options of the command are not its own', async () => {
    const { stdout } = await centralpost(['classify', '--json', '--', 'ls', '-la'])
    expect(JSON.parse(stdout)).toMatchObject({
      level: 'SAFE',
      plan: { kind: 'argv', argv: ['ls', '-la'] },
    })
  })

  test('what a terminal would obey is spelled out', async () => {
    const { stdout } = await centralpost(['classify', 'echo \u001b[2K\u202e'])
    expect(stdout).toContain('\\u{1b}')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toContain('\u202e')
  })

  test('lines are judged in order, and a bad one does not stop the rest', async () => {
    const lines = [
      '{"command":"ls"}',
      'nonsense',
      '{"cmd":"ls"}',
      '',
      '{"command":"rm -rf /"}',
      '{"command":"cat x\\u0000"}',
    ]
    const { code, stdout } = await centralpost(['classify', '--jsonl'], `${lines.join('\n')}\n`)
    const verdicts = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; command: string })
    expect(verdicts.map(({ level }) => level)).toEqual([
      'SAFE',
      'REVIEW',
      'REVIEW',
      'BLOCKED',
      'BLOCKED',
    ])
    expect(verdicts[1]).toMatchObject({
      command: 'nonsense',
      risk: 'low',
      reasons: [expect.stringMatching(/^error: /)],
    })
    expect(code).toBe(65)
  })

  test('without a command it is wrong usage', async () => {
    const { code, stdout, stderr } = await centralpost(['classify'])
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toContain('no command to classify')
  })

  test('five thousand lines stream through', async () => {
    const input = '{"command":"git status | head"}\n'.repeat(5000)
    const { code, stdout } = await centralpost(['classify', '--jsonl'], input)
    expect(code).toBe(0)
    expect(stdout.trim().split('\n')).toHaveLength(5000)
  })

  test('a rule file that is not there is a fault of the settings', async () => {
    const { code, stderr } = await centralpost(['classify', '--rules', '/nowhere/rules.yaml', 'ls'])
    expect(code).toBe(78)
    expect(stderr).toMatch(/\/nowhere\/rules\.yaml/)
  })
})

describe('rules', () => {
  test('the shipped file is good', async () => {
    const { code, stdout } = await centralpost(['rules', 'lint', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ counts: { safe: expect.any(Number) } })
  })

  test('an expectation is met or not', async () => {
    expect(await centralpost(['rules', 'test', 'safe', 'ls'])).toMatchObject({ code: 0 })
    expect(await centralpost(['rules', 'test', 'blocked', 'ls'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('NOT as expected: SAFE'),
    })
  })

  test('an expectation that is no level is wrong usage', async () => {
    const { code, stderr } = await centralpost(['rules', 'test', 'harmless', 'ls'])
    expect(code).toBe(64)
    expect(stderr).toContain("'harmless'")
  })
})

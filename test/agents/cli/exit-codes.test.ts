import { describe, expect, test } from '@jest/globals'
import {
  type ActionResult,
  CentralPostError,
  problemCodes,
  resultStatuses,
  exitCodeOfResult,
  exitCodeOfError,
  exitCodeHelp,
} from '@centralpost/shared'
import { duration, table } from '#agents/terminal/terminal.ts'

const result = (fields: Partial<ActionResult>): ActionResult => ({
  schema: 1,
  action_id: 'a',
  agent_id: 'agent-a',
  workflow_id: null,
  command: 'x',
  status: 'completed',
  trust_level: null,
  approved_by: null,
  exit_code: null,
  signal: null,
  success: false,
  stdout: '',
  stderr: '',
  stdout_bytes: 0,
  stderr_bytes: 0,
  truncated: false,
  output_ref: null,
  duration: null,
  error_category: null,
  cwd: null,
  venv_active: false,
  warnings: [],
  reason: null,
  suggestion: null,
  reused_from: null,
  execution_id: null,
  hub_id: 'hub',
  requested_at: '',
  finished_at: '',
  ...fields,
})

describe('exit codes', () => {
  test('tell every ending of an action apart, and --help explains each', () => {
    const codes = resultStatuses.map((status) => exitCodeOfResult(result({ status })))
    expect(new Set(codes).size).toBe(resultStatuses.length)
    for (const code of codes) expect(exitCodeHelp).toMatch(new RegExp(`^ {2}${code} `, 'm'))
  })

  test('are a failed command’s own where it has one that a shell can tell', () => {
    const codes = [1, 2, 125, 126, 255, null].map((exitCode) =>
      exitCodeOfResult(result({ status: 'failed', exit_code: exitCode })),
    )
    expect(codes).toEqual([1, 2, 125, 1, 1, 1])
  })

  test('are never 0 for a fault', () => {
    for (const code of problemCodes) {
      expect(exitCodeOfError(new CentralPostError(code, 'x'))).toBeGreaterThan(0)
    }
    expect(exitCodeOfError(new TypeError('a bug'))).toBe(70)
  })
})

test.each([
  [0.0123, '12 ms'],
  [0.5, '0.5 s'],
  [59.6, '60 s'],
  [119.7, '2 min 0 s'],
  [299.9, '5 min 0 s'],
  [3599, '59 min 59 s'],
])('%d seconds are said as %s', (seconds, said) => {
  expect(duration(seconds)).toBe(said)
})

test('a table is aligned, and its last column is as long as it needs to be', () => {
  const rows = [
    ['a', 'x'.repeat(200)],
    ['bbb', ''],
  ]
  expect(table(['ID', 'TEXT'], rows)).toEqual(['ID   TEXT', `a    ${'x'.repeat(200)}`, 'bbb'])
})

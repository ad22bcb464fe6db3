import { hash } from 'node:crypto'
import type { Verdict } from '@centralpost/shared'
import type { NewExecution } from '#hub/history/store/execution.ts'

const packages =
  'requests flask numpy pandas pytest black ruff mypy httpx pydantic rich click'.split(' ')
const files = 'app main utils models views config test_api test_db conftest setup'.split(' ')
const verdict: Verdict = {
  level: 'SAFE',
  reasons: ['reads only'],
  units: [{ text: 'git status', level: 'SAFE', rule: 'git.read', reason: 'reads only' }],
  risk: { level: 'low', score: 0, parts: [] },
  plan: { kind: 'argv', argv: ['git', 'status'] },
  policy: '5f2b8c0d9e7a4431',
}

/** What a working day of agents looks like: each workflow a task of a dozen commands, some of which fail. */
const tasks: readonly ((n: number) => readonly string[])[] = [
  (n) => [
    'python -m venv .venv',
    `pip install ${pick(packages, n)}==${n % 9}.${n % 5}`,
    `pytest tests/${pick(files, n)}.py -q`,
  ],
  (n) => [
    'git status',
    `git add src/${pick(files, n)}.py`,
    `git commit -m "change ${pick(files, n)} for task ${n}"`,
    'git push',
  ],
  (n) => [`ls -la src/app${n % 50}`, `cat src/app${n % 50}/${pick(files, n)}.py`, `wc -l src/*.py`],
  (n) => ['npm ci', 'npm run build', `npm test -- ${pick(files, n)}`],
  (n) => [`grep -rn "${pick(packages, n)}" src`, `python src/${pick(files, n)}.py --id ${n}`],
  (n) => [
    `mkdir -p out/${n} && cp src/${pick(files, n)}.py out/${n}`,
    `find out -name "*.py" | head`,
  ],
  (n) => [
    `curl -s https://host${n % 20}.example.org/api/items/${n}`,
    `jq .items data/${n % 300}.json`,
  ],
]

function pick<T>(list: readonly T[], n: number): T {
  return list[n % list.length] as T
}

const start = Date.now() - Number(process.env['CENTRALPOST_BENCH_ROWS'] ?? 1_000_000) * 2500

/** Ended executions with realistic text, the same for the same numbers. */
export function executions(from: number, count: number): NewExecution[] {
  return Array.from({ length: count }, (_none, index) => execution(from + index))
}

function execution(n: number): NewExecution {
  const task = Math.floor(n / 4)
  const steps = pick(tasks, Math.imul(task, 2_654_435_761) >>> 8)(task)
  const command = steps[n % 4] ?? pick(steps, n)
  const isFailed = n % 13 === 0
  const digest = hash('sha256', `${command} ${n}`)
  const at = start + n * 2500
  return {
    action_id: `01J${n.toString(36).padStart(9, '0')}${digest.slice(0, 14)}`.toUpperCase(),
    agent_id: `agent-${task % 24}`,
    agent_type: 'llm',
    workflow_id: `workflow-${Math.floor(n / 24)}`,
    command,
    argv: null,
    command_hash: hash('sha256', command).slice(0, 16),
    request_hash: digest,
    context: `step ${n % 4} of the task: make ${pick(files, task)} work with ${pick(packages, task)}`,
    cwd: `/srv/projects/project-${task % 40}`,
    env: {},
    timeout_ms: 300_000,
    stream_output: 1,
    expires_at: null,
    trust_level: 'SAFE',
    verdict,
    digest,
    bound: {},
    reused_from: null,
    status: isFailed ? 'failed' : 'completed',
    deadline: null,
    approved_by: 'auto',
    decided_by: null,
    approval_timestamp: null,
    execution_timestamp: at + 3,
    hub_id: 'bench',
    timestamp: at,
    finished_at: at + 40 + (n % 900),
    exit_code: isFailed ? 1 : 0,
    success: isFailed ? 0 : 1,
    duration: 37 + (n % 900),
    error_category: isFailed ? 'runtime' : null,
    reason: null,
    venv_active: n % 3 === 0 ? 1 : 0,
    output_size: 120 + (n % 5000),
    output_ref: null,
    stdout_preview: `collected ${n % 40} items from ${pick(files, n)}\nall done in ${n % 900} ms\n`,
    stderr_preview: isFailed ? `error: ${pick(files, n)}.py: line ${n % 300}: not found\n` : '',
  }
}

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type Agent,
  changesPackages,
  type LLMAgentParts,
  type Observation,
  type Operator,
  type PlannedStep,
  type Planner,
  ResearchAgent,
  SystemAgent,
  WrittenPlan,
} from '@centralpost/agents'
import type { ApprovalNeeded } from '@centralpost/shared'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'

let it: TestHub
let agent: Agent
let alice: Operator

beforeAll(async () => {
  it = await TestHub.start()
  agent = await it.agent('agent-a')
  alice = await it.operator('alice')
})

afterAll(async () => {
  await it[Symbol.asyncDispose]()
})

const plan = (...steps: object[]): WrittenPlan =>
  WrittenPlan.of({ task: 'test', steps }, {}, 'plan')

const parts = (planner: Planner): LLMAgentParts => ({
  agent,
  planner,
  task: 'test',
  cwd: it.workspace,
  workflowId: 'of-the-test',
})

/** Waits for the next REVIEW action, denies it, and gives back what was asked. */
const denyNext = async (): Promise<ApprovalNeeded> => {
  const asked = await eventually(async () => (await alice.pending())[0])
  await alice.deny(asked.action_id, 'for the test')
  return asked
}

describe('an agent with a plan', () => {
  test('does the steps in order, and reports how each ended', async () => {
    const worker = new SystemAgent(
      parts(plan({ command: 'echo one' }, { argv: ['ls', 'nowhere'] }, { argv: ['echo', 'two'] })),
    )
    const report = await worker.run()
    expect(report.asPlanned).toBe(false)
    expect(
      report.steps.map(({ result, isAsPlanned, phase }) => [result?.stdout, isAsPlanned, phase]),
    ).toEqual([
      ['one\n', true, 'environment assessment'],
      ['', false, 'execution'],
      ['two\n', true, 'verification'],
    ])
    const { entries } = await alice.history({ workflow_id: 'of-the-test' })
    expect(entries).toHaveLength(3)
    expect(new Set(entries.map((entry) => entry.agent_type))).toEqual(new Set(['system']))
  })

  test('stops at a step that says so', async () => {
    const steps = [{ argv: ['ls', 'nowhere'], on_unexpected: 'stop' }, { command: 'echo never' }]
    const report = await new SystemAgent(parts(plan(...steps))).run()
    expect(report.steps.map(({ result }) => result?.status)).toEqual(['failed'])
  })

  test('takes another ending for as planned where the plan says so', async () => {
    const steps = [{ argv: ['ls', 'nowhere'], expect: ['failed'] }]
    expect((await new SystemAgent(parts(plan(...steps))).run()).asPlanned).toBe(true)
  })

  test('only looks in an early phase: what needs a person is put off until it may act', async () => {
    const steps = [
      { argv: ['touch', 'early'], expect: ['denied'] },
      { command: 'echo a' },
      { command: 'echo b' },
      { command: 'echo c' },
    ]
    const running = new ResearchAgent(parts(plan(...steps))).run()
    await denyNext()
    const report = await running
    expect(report.steps.map(({ planned }) => planned.command ?? planned.argv?.join(' '))).toEqual([
      'echo a',
      'echo b',
      'touch early',
      'echo c',
    ])
    expect(report.asPlanned).toBe(true)
  })

  test('does what was put off in any case before it ends', async () => {
    const planner: Planner = {
      next: ({ step }: Observation) =>
        Promise.resolve(
          step === 0 ? { argv: ['touch', 'late'], expect: ['denied'] as const } : null,
        ),
    }
    const running = new ResearchAgent(parts(planner)).run()
    await denyNext()
    expect((await running).steps.map(({ result }) => result?.status)).toEqual(['denied'])
  })

  test('does not ask for a step that the hub judges otherwise than the plan wants', async () => {
    const steps = [{ command: 'echo harmless', only_if: 'BLOCKED', expect: ['denied'] }]
    const report = await new SystemAgent(parts(plan(...steps))).run()
    expect(report.steps).toMatchObject([
      { result: null, isAsPlanned: false, note: expect.stringContaining('judged SAFE') },
    ])
  })

  test('tells its planner what came of the step before', async () => {
    const seen: Observation[] = []
    const planner: Planner = {
      next: (observation) => {
        seen.push(observation)
        return Promise.resolve(observation.step < 2 ? { command: 'echo x' } : null)
      },
    }
    await new SystemAgent(parts(planner)).run()
    expect(seen.map(({ step, previous }) => [step, previous?.result?.stdout])).toEqual([
      [0, undefined],
      [1, 'x\n'],
      [2, 'x\n'],
    ])
  })

  test('stops waiting when it is told to', async () => {
    const stop = new AbortController()
    const running = new SystemAgent(parts(plan({ command: 'sleep 20' }))).run({
      signal: stop.signal,
    })
    await eventually(async () =>
      (await alice.history({ limit: 1 })).entries.some((entry) => entry.status === 'running'),
    )
    stop.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    const [entry] = (await alice.history({ limit: 1 })).entries
    await agent.cancelAction(entry?.action_id ?? '')
  })
})

describe('a system agent that changes Python packages', () => {
  const act = { command: 'echo first' }

  test('uses the virtual environment there is', async () => {
    const project = join(it.workspace, 'a project')
    await mkdir(join(project, '.venv', 'bin'), { recursive: true })
    await writeFile(join(project, '.venv', 'pyvenv.cfg'), '')
    await writeFile(join(project, '.venv', 'bin', 'activate'), '')
    const step = { argv: ['pip', 'install', 'a b'], cwd: project, expect: ['denied'] }
    const running = new SystemAgent(parts(plan(act, step))).run()
    const asked = await denyNext()
    expect(asked.command).toBe(`source '${project}/.venv/bin/activate' && pip install 'a b'`)
    expect((await running).asPlanned).toBe(true)
  })

  test('tells the approver where there is none', async () => {
    const step = { command: 'pip install x', context: 'to parse', expect: ['denied'] }
    const running = new SystemAgent(parts(plan(act, step))).run()
    const asked = await denyNext()
    expect(asked.command).toBe('pip install x')
    expect(asked.context).toMatch(/^to parse \(no virtual environment was found/)
    await running
  })

  test.each<[PlannedStep, boolean]>([
    [{ command: 'pip install x' }, true],
    [{ command: 'cd y && pip3 --quiet install x' }, true],
    [{ command: 'python3 -m pip uninstall x' }, true],
    [{ argv: ['pip', 'install', 'x'] }, true],
    [{ command: 'pip list' }, false],
    [{ command: 'source .venv/bin/activate && pip install x' }, false],
    [{ command: 'echo pipinstall' }, false],
  ])('knows whether %j does', (step, expected) => {
    expect(changesPackages(step)).toBe(expected)
  })
})

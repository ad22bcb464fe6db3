import type { ActionResult } from '@centralpost/shared'
import { highlightEnd, highlightStart } from '@centralpost/shared'
import * as fc from 'fast-check'
import { backends, ended, HistoryPlace, queued } from '../../../support/history-fixture.ts'
import { asText } from '#hub/history/ledger/ledger-step.ts'

const numbers = (entries: readonly { command: string }[]): number[] =>
  entries.map((entry) => Number(entry.command.slice(5)))

describe.each(backends)('the history on $title', ({ backend }) => {
  let place: HistoryPlace
  beforeAll(async () => {
    place = await HistoryPlace.open(backend)
  }, 60_000)
  afterAll(() => place?.[Symbol.asyncDispose]())

  test('lists by agent, workflow, level, status and time, newest first, in pages', async () => {
    await using it = await place.make()
    for (let n = 1; n <= 25; n += 1) {
      await it.record({
        command: `echo ${n}`,
        agent_id: n % 2 ? 'odd' : 'even',
        workflow_id: n > 20 ? 'late' : null,
        trust_level: n % 5 ? 'SAFE' : 'REVIEW',
        success: n % 3 ? 1 : 0,
        timestamp: 1_000_000 + n,
      })
    }
    await it.index()
    const { history } = it
    expect(numbers(await history.getByAgent('odd', 3))).toEqual([25, 23, 21])
    expect(numbers(await history.getByWorkflow('late'))).toEqual([25, 24, 23, 22, 21])
    expect(numbers(await history.getByLevel('REVIEW'))).toEqual([25, 20, 15, 10, 5])
    expect(numbers(await history.getByStatus('failed', 2))).toEqual([24, 21])
    expect(numbers(await history.getByTime(1_000_010, 1_000_013))).toEqual([12, 11, 10])
    const seen: number[] = []
    let cursor: string | undefined
    for (let pages = 0; pages < 10; pages += 1) {
      const page = await history.search({ limit: 7, cursor })
      seen.push(...numbers(page.entries))
      if (page.nextCursor === null) break
      cursor = page.nextCursor
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_none, index) => 25 - index))
    await expect(history.search({ limit: 1, cursor: 'nonsense' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  test('the events of an action are told whether they are indexed yet or not, each once', async () => {
    await using it = await place.make()
    const kinds = async (actionId: string) =>
      (await it.history.getActionDetails(actionId)).flatMap(({ events }) =>
        events.map(({ kind, seq }) => `${seq} ${kind}`),
      )
    await it.record({ command: 'ls', action_id: 'other' })
    const intake = await it.ledger.takeIn(queued({ command: 'ls', action_id: 'one' }), [
      { kind: 'requested' },
      { kind: 'classified' },
    ])
    expect(await kinds('one')).toEqual(['2 requested', '3 classified'])
    await it.index()
    expect(await kinds('one')).toEqual(['2 requested', '3 classified'])
    await it.record({ command: 'ls', action_id: 'another' })
    const executionId = intake.kind === 'new' ? intake.executionId : 0
    const step = { from: ['queued'], to: 'cancelled', changes: {}, at: 1 } as const
    await it.ledger.step(executionId, { ...step, told: { kind: 'cancelled' } })
    const all = ['2 requested', '3 classified', '5 cancelled']
    expect(await kinds('one')).toEqual(all)
    await it.index()
    expect(await kinds('one')).toEqual(all)
    expect(await kinds('other')).toEqual(['1 finished'])
  })

  test('what fixed a failure is learned although it was under way when the memory began', async () => {
    await using it = await place.make()
    const failed = {
      success: 0,
      status: 'failed',
      exit_code: 1,
      error_category: 'runtime',
    } as const
    const flow = { workflow_id: 'flow' }
    await it.record({ command: 'python app.py', ...flow, ...failed, stderr_preview: 'Error: no' })
    const intake = await it.ledger.takeIn(
      queued({ command: 'pip install requests', ...flow, status: 'running' }),
      [{ kind: 'started' }],
    )
    const executionId = intake.kind === 'new' ? intake.executionId : 0
    await it.indexer.step()
    await it.ledger.recordExecution(
      executionId,
      {
        from: ['running'],
        to: 'completed',
        at: 2,
        changes: { success: 1, finished_at: 2, duration: 1 },
        told: { kind: 'finished' },
      },
      { subject: 's', result: () => asText({} as ActionResult) },
    )
    await it.record({ command: 'python app.py', ...flow })
    await it.index()
    expect(await it.history.getFailurePatterns({ least: 1 })).toMatchObject([
      { command: 'python {file}', fixed_by: [{ command: 'pip install {package}', times: 1 }] },
    ])
  })

  test('what is under way is found too, and counted', async () => {
    await using it = await place.make()
    await it.ledger.takeIn(queued({ command: 'sleep 100', status: 'pending' }), [
      { kind: 'pending' },
    ])
    await it.index()
    expect(await it.history.searchCommands('sleep')).toMatchObject([{ status: 'pending' }])
    expect(await it.history.getCommandStats(['hash of sleep 100'])).toMatchObject({
      totalExecutions: 1,
      byStatus: { pending: 1 },
    })
  })

  describe('a search', () => {
    test.each([
      ['-la', 'ls -la /srv'],
      ['a.py', 'python src/a.py'],
      ['src/a.py', 'python src/a.py'],
      ['"exit status"', 'make all'],
      ['inst*', 'pip install requests'],
      ['requ', 'pip install requests'],
      ['&&', 'cd /srv && make'],
      ['|', 'cat x | wc -l'],
      ['foo_bar', 'run foo_bar'],
      ['bar', 'run foo_bar'],
      ['CAFÉ', 'echo café'],
      ['cafe', 'echo café'],
      ['why-we-ask', 'touch reason'],
    ])('for %s finds %s', async (typed, command) => {
      await using it = await place.make()
      for (const one of [
        'ls -la /srv',
        'python src/a.py',
        'pip install requests',
        'cd /srv && make',
        'cat x | wc -l',
        'run foo_bar',
        'echo café',
      ]) {
        await it.record({ command: one })
      }
      await it.record({ command: 'make all', stderr_preview: 'make: exit status 2' })
      await it.record({ command: 'touch reason', context: 'because why-we-ask' })
      await it.index()
      const found = await it.history.searchCommands(typed)
      expect(found.map((entry) => entry.command)).toContain(command)
      expect(found.length).toBeLessThan(4)
    })

    test('marks what was found, and nothing that the text marks itself', async () => {
      await using it = await place.make()
      await it.record({ command: `echo ${highlightStart}fake${highlightEnd} <b>needle</b>` })
      await it.index()
      const [entry] = await it.history.searchCommands('needle')
      expect(entry?.snippet).toBe(`echo fake <b>${highlightStart}needle${highlightEnd}</b>`)
    })

    test('ranks a hit in the command before one in the output, and pages through the ranking', async () => {
      await using it = await place.make()
      for (let n = 0; n < 12; n += 1) {
        await it.record(
          n % 2 ? { command: `needle ${n}` } : { command: `other ${n}`, stdout_preview: 'needle' },
        )
      }
      await it.index()
      const first = await it.history.search({ query: 'needle', order: 'best', limit: 6 })
      expect(first.entries.every((entry) => entry.command.startsWith('needle'))).toBe(true)
      await it.record({ command: 'needle that came meanwhile' })
      await it.index()
      const second = await it.history.search({
        query: 'needle',
        order: 'best',
        limit: 6,
        cursor: first.nextCursor ?? '',
      })
      expect(second.entries.map((entry) => entry.stdout_preview)).toEqual(
        Array.from({ length: 6 }, () => 'needle'),
      )
      expect(second.nextCursor).toBeNull()
    })

    test('goes with the other filters', async () => {
      await using it = await place.make()
      for (let n = 0; n < 30; n += 1) {
        await it.record({ command: `common ${n}`, agent_id: n === 3 ? 'rare' : 'usual' })
      }
      await it.index()
      const found = await it.history.getFilteredHistory({
        query: 'common ',
        agentId: 'rare',
        limit: 5,
      })
      expect(found.map((entry) => entry.command)).toEqual(['common 3'])
    })

    test('is never an error, whatever is typed', async () => {
      await using it = await place.make()
      await it.record({ command: 'echo something' })
      await it.index()
      const typed = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.stringMatching(/^[-"*()^:+a'\\|&<>$; AND OR NOT NEAR]{0,40}$/),
      )
      const search = fc.check(
        fc.asyncProperty(typed, async (text) => {
          const newest = await it.history.search({ query: text, limit: 3 })
          const best = await it.history.search({ query: text, limit: 3, order: 'best' })
          return newest.entries.length <= 3 && best.entries.length <= 3
        }),
        { numRuns: 150 },
      )
      expect(await search).toMatchObject({ failed: false })
    })
  })

  test('counts one command, and all that are like it', async () => {
    await using it = await place.make()
    for (const name of ['requests', 'requests', 'flask']) {
      await it.record({ command: `pip install ${name}`, duration: name === 'flask' ? 500 : 100 })
    }
    await it.record({ command: 'pip install nothing', success: 0 })
    await it.record({ command: 'pip install bad', status: 'denied', success: 0, duration: null })
    await it.index()
    expect(
      await it.history.getCommandStatistics('pip install requests', [
        'hash of pip install requests',
      ]),
    ).toMatchObject({
      normalised: 'pip install {package}',
      total_executions: 2,
      successful: 2,
      success_rate: 1,
      avg_duration: 0.1,
      similar: {
        total_executions: 5,
        successful: 3,
        failed: 1,
        denied: 1,
        success_rate: 0.75,
        recent: expect.arrayContaining([expect.objectContaining({ status: 'denied' })]),
      },
    })
    expect(await it.history.getCommandStats()).toMatchObject({ totalExecutions: 5 })
  })

  test('shows a range of time at a glance', async () => {
    await using it = await place.make()
    const from = Date.parse('2030-01-01T00:00:00Z')
    for (let n = 0; n < 20; n += 1) {
      await it.record({
        command: n % 2 ? 'git status' : 'make test',
        timestamp: from + n * 60_000,
        success: n % 4 ? 1 : 0,
        duration: (n + 1) * 100,
        ...(n < 4 && {
          trust_level: 'REVIEW' as const,
          approved_by: 'alice',
          approval_timestamp: from + n * 60_000 + 2000,
        }),
      })
    }
    await it.record({
      command: 'rm -rf /',
      status: 'denied',
      success: 0,
      duration: null,
      timestamp: from,
      approved_by: null,
    })
    await it.index()
    const overview = await it.history.getOverview({
      since: from,
      until: from + 20 * 60_000,
      buckets: 4,
      top: 5,
    })
    expect(overview).toMatchObject({
      total: 21,
      by_status: { completed: 15, failed: 5, denied: 1 },
      durations: { count: 20, max: 2 },
      waiting: { count: 4, p50: 2 },
      approvals: { approved: 4 },
      denied: [{ command: 'rm -rf {path}', count: 1 }],
    })
    expect(overview.buckets.map((bucket) => bucket.by_status['completed'])).toEqual([3, 4, 4, 4])
    expect(overview.programs.map((one) => one.program).toSorted()).toEqual(['git', 'make', 'rm'])
  })

  test('lists what works, what fails and what helped', async () => {
    await using it = await place.make()
    const step = (command: string, workflow: number, fields = {}) =>
      it.record({ command, workflow_id: `flow-${workflow}`, ...fields })
    const failure = {
      success: 0,
      error_category: 'runtime',
      stderr_preview: `Traceback\nModuleNotFoundError: No module named 'requests'`,
    }
    for (let n = 0; n < 4; n += 1) {
      await step(`python app${n}.py`, n, failure)
      await step('ls', n)
      await step(`pip install requests${n}`, n)
      await step(`python app${n}.py`, n)
    }
    await it.index()
    expect(await it.history.getSuccessPatterns()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ command: 'pip install {package}', uses: 4, success_rate: 1 }),
      ]),
    )
    expect(await it.history.getFailurePatterns()).toMatchObject([
      {
        command: 'python {file}',
        failed: 4,
        error_category: 'runtime',
        fixed_by: [{ command: 'pip install {package}', times: 4 }],
      },
    ])
    const failed = ended({ ...failure, command: 'python other.py', agent_id: 'newcomer' })
    await it.ledger.takeIn(failed, [{ kind: 'finished' }])
    await it.index()
    const [best] = await it.history.getSuggestions({
      after: { agentId: 'newcomer', actionId: failed.action_id },
      limit: 5,
    })
    expect(best).toMatchObject({
      kind: 'fix',
      commands: ['pip install {package}', 'python {file}'],
      successes: 4,
    })
  })

  test('mines what repeatedly worked, counts who follows it, and suggests it', async () => {
    await using it = await place.make()
    const flow = async (n: number, works = true): Promise<void> => {
      const fields = { workflow_id: `flow-${n}`, timestamp: Date.now(), duration: 100 }
      await it.record({ command: 'python -m venv .venv', ...fields })
      await it.record({ command: `pip install pkg${n}`, venv_active: 1, ...fields })
      await it.record({ command: 'pytest tests', success: works ? 1 : 0, ...fields })
      await it.record({ command: `cat noise${n}.txt`, ...fields })
    }
    for (let n = 0; n < 6; n += 1) await flow(n)
    // so that what belongs together is more than what merely happens
    for (let n = 0; n < 60; n += 1) {
      await it.record({ command: `tool${n} x`, workflow_id: `other-${n % 7}` })
    }
    await it.index()
    expect(await it.patterns.minePatterns()).toEqual({ found: 1, added: 1 })
    expect(await it.patterns.minePatterns()).toEqual({ found: 1, added: 0 })
    it.indexer.patternsChanged()
    await flow(100)
    await flow(101)
    await flow(102, false)
    await it.index()
    const [pattern] = await it.history.getPatterns()
    expect(pattern).toMatchObject({
      command_sequence: ['python -m venv {path}', 'pip install {package}', 'pytest {name}'],
      preconditions: { venv: true },
      usage_count: 3,
      avg_duration: 0.3,
      origin: 'mined',
      support: 6,
    })
    expect(pattern?.success_rate).toBeCloseTo(2 / 3)
    expect(pattern?.parameters['package']).toContain('pkg3')
    expect(
      await it.history.getSuggestions({ task: 'install the dependencies and run tests', limit: 3 }),
    ).toMatchObject([{ kind: 'pattern', pattern_id: pattern?.pattern_id }])
    expect(await it.history.getSuggestions({ task: 'bake a cake', limit: 3 })).toEqual([])
  })

  test('a pattern made by hand is counted and found', async () => {
    await using it = await place.make()
    const id = await it.patterns.createPattern({
      patternName: 'release',
      commandSequence: ['git tag v1.0', 'git push origin v1.0'],
      taskCategory: 'version-control',
    })
    await expect(
      it.patterns.createPattern({
        patternName: 'release',
        commandSequence: ['x'],
        taskCategory: 'other',
      }),
    ).rejects.toMatchObject({ code: 'conflict' })
    for (const success of [true, true, false]) {
      await it.patterns.recordPatternUsage({
        patternId: id,
        agentId: 'agent-a',
        workflowId: null,
        success,
        duration: 1000,
      })
    }
    const [pattern] = await it.history.getPatternsByCategory('version-control')
    expect(pattern).toMatchObject({ usage_count: 3, avg_duration: 1, origin: 'created' })
    expect(pattern?.success_rate).toBeCloseTo(2 / 3)
  })

  test('repeated approvals by persons are counted; what was denied once is not proposed', async () => {
    await using it = await place.make()
    const approved = (command: string, fields = {}) =>
      it.record({
        command,
        trust_level: 'REVIEW',
        approved_by: 'alice',
        approval_timestamp: 1_800_000_000_000,
        timestamp: 1_799_999_998_000,
        ...fields,
      })
    for (let n = 0; n < 4; n += 1) await approved(`mkdir out/${n}`)
    for (let n = 0; n < 4; n += 1) await approved(`touch out/${n}`)
    await it.record({
      command: 'touch out/9',
      status: 'denied',
      success: 0,
      decided_by: 'bob',
      approved_by: null,
      duration: null,
      timestamp: 1_800_000_000_000,
    })
    for (let n = 0; n < 4; n += 1) await approved(`chmod +x f${n}`, { approved_by: 'rule:1' })
    await it.index()
    const found = await it.history.getRepeatedApprovals({ least: 3, since: 0, limit: 10 })
    expect(found).toMatchObject([
      { form: 'mkdir {path}', approvals: 4, approvedBy: ['alice'], avgWait: 2000 },
    ])
    expect(found[0]?.support).toHaveLength(4)
  })

  test('Python outside a virtual environment is a violation; asking pip is not', async () => {
    await using it = await place.make()
    await it.record({ command: 'pip install x', venv_active: 0 })
    await it.record({ command: 'pip3 install y', venv_active: 0, agent_id: 'agent-b' })
    await it.record({ command: 'pip install z', venv_active: 1 })
    await it.record({ command: 'pip list', venv_active: 0 })
    await it.record({ command: 'python --version', venv_active: 0 })
    await it.record({ command: 'cd app && python run.py', venv_active: 0 })
    await it.index()
    const found = await it.history.getVenvViolations()
    expect(found.map((one) => one.command).toSorted()).toEqual([
      'cd {name} && python {file}',
      'pip install {package}',
      'pip3 install {package}',
    ])
  })

  test('exports all that fits, in pages, as JSON lines and as CSV', async () => {
    await using it = await place.make()
    for (let n = 0; n < 25; n += 1) await it.record({ command: `echo "a, ${n}"\n=cmd()` })
    await it.index()
    const lines: string[] = []
    for (let after: number | null = 0; after !== null;) {
      const page = await it.history.exportPage({
        format: 'jsonl',
        after,
        limit: 10,
        mostBytes: 3000,
      })
      lines.push(...page.text.split('\n').filter((line) => line !== ''))
      after = page.next
    }
    expect(lines.map((line) => (JSON.parse(line) as { command: string }).command)).toEqual(
      Array.from({ length: 25 }, (_none, n) => `echo "a, ${n}"\n=cmd()`),
    )
    const csv = await it.history.exportPage({
      format: 'csv',
      after: 0,
      limit: 2,
      mostBytes: 100_000,
      query: '1',
    })
    expect(csv.text).toMatch(/^execution_id,requested_at/)
    expect(csv.text).toContain('"echo ""a, 1""\n=cmd()"')
    expect(csv.count).toBe(1)
  })

  test('tells everything about one action', async () => {
    await using it = await place.make()
    const row = ended({ command: 'make all', agent_id: 'agent-x' })
    await it.ledger.takeIn(row, [
      { kind: 'requested' },
      { kind: 'classified' },
      { kind: 'finished' },
    ])
    const [detail] = await it.history.getActionDetails(row.action_id)
    expect(detail?.events.map((event) => event.kind)).toEqual([
      'requested',
      'classified',
      'finished',
    ])
    expect(detail?.execution).toMatchObject({ normalised: 'make all', masked: false })
  })

  test('what was recorded while nobody followed is indexed from the first on', async () => {
    await using it = await place.make()
    for (let n = 0; n < 600; n += 1) await it.record({ command: `echo ${n}` })
    await it.index()
    await it.index()
    expect(await it.history.getCommandStats()).toMatchObject({ totalExecutions: 600 })
    await using again = await it.reopened()
    await again.record({ command: 'echo last' })
    await again.index()
    expect(await again.history.getCommandStats()).toMatchObject({ totalExecutions: 601 })
  }, 60_000)
})

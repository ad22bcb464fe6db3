import { backends, HistoryPlace } from '../../../support/history-fixture.ts'
import { mineSequences, type MinedStep } from '#hub/history/patterns/mine.ts'

/** Numbers without a pattern, the same each time. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const planted = [
  ['python -m venv {path}', 'pip install {package}', 'pytest {path}'],
  ['git add {path}', 'git commit -m {text}', 'git push'],
  ['npm ci', 'npm run build', 'npm test', 'npm publish'],
  ['docker build -t {name} {path}', 'docker push {name}'],
  ['alembic upgrade {name}', 'flask run'],
  ['cargo build --release', 'cargo test', 'cargo package'],
  ['terraform init', 'terraform plan', 'terraform apply'],
  ['make configure', 'make all', 'make check', 'make install'],
  ['helm lint {path}', 'helm package {path}', 'helm push {file}'],
  ['poetry lock', 'poetry install', 'poetry run pytest'],
]

/** Workflows with planted sequences among what merely happens, some with steps in between, some that fail. */
function workload(actions: number): { workflows: MinedStep[][]; forms: string[] } {
  const next = random(42)
  const noise = Array.from({ length: 150 }, (_none, n) => `noise${n} {path}`)
  // single steps of the sequences happen on their own as well
  const forms = [...new Set([...planted.flat(), ...noise])]
  const idOf = (form: string): number => forms.indexOf(form)
  const workflows: MinedStep[][] = []
  let total = 0
  for (;;) {
    if (total >= actions) return { workflows, forms }
    const steps: MinedStep[] = []
    const add = (form: string, isSuccess = true): void => {
      total += 1
      steps.push({ executionId: total, form: idOf(form), isSuccess })
    }
    const length = 15 + Math.floor(next() * 25)
    while (steps.length < length) {
      const roll = next()
      if (roll < 0.05) {
        const sequence = planted[Math.floor(next() * planted.length)] ?? []
        for (const form of sequence) {
          add(form, next() > 0.03)
          if (next() < 0.2) add(noise[Math.floor(next() * noise.length)] ?? '')
        }
      } else if (roll < 0.12) {
        const sequence = planted[Math.floor(next() * planted.length)] ?? []
        add(sequence[Math.floor(next() * sequence.length)] ?? '', next() > 0.1)
      } else {
        // a few commands are much more frequent than the others
        add(noise[Math.floor(next() ** 2 * noise.length)] ?? '', next() > 0.1)
      }
    }
    workflows.push(steps)
  }
}

test('of 100,000 actions all planted sequences are found, hardly anything else, in at most 10 s', async () => {
  const { workflows, forms } = workload(100_000)
  const from = performance.now()
  const mined = await mineSequences(workflows)
  const seconds = (performance.now() - from) / 1000
  const texts = mined.map((one) => one.forms.map((id) => forms[id]).join(' → '))
  const wanted = planted.map((one) => one.join(' → '))
  expect(wanted.filter((one) => !texts.includes(one))).toEqual([])
  const right = texts.filter((one) => wanted.includes(one)).length
  expect(right / texts.length).toBeGreaterThanOrEqual(0.9)
  expect(seconds).toBeLessThan(10)
}, 60_000)

test('of what merely happens nothing is found', async () => {
  const next = random(7)
  const workflows = Array.from({ length: 500 }, (_none, workflow) =>
    Array.from({ length: 30 }, (_nothing, n) => ({
      executionId: workflow * 30 + n,
      form: Math.floor(next() * 60),
      isSuccess: true,
    })),
  )
  expect(await mineSequences(workflows)).toEqual([])
})

test('what usually fails is no pattern', async () => {
  const workflows = Array.from({ length: 50 }, (_none, workflow) => [
    { executionId: workflow * 2, form: 1, isSuccess: true },
    { executionId: workflow * 2 + 1, form: 2, isSuccess: workflow < 2 },
  ])
  expect(await mineSequences(workflows)).toEqual([])
})

describe.each(backends)('mining what was recorded on $title', ({ backend }) => {
  test('finds planted commands with their parameters among noise', async () => {
    await using place = await HistoryPlace.open(backend)
    await using history = await place.make()
    const next = random(3)
    const noise = async (workflow: string): Promise<void> => {
      const n = Math.floor(next() * 40)
      await history.record({ command: `tool${n} run /srv/x${n}`, workflow_id: workflow })
    }
    for (let n = 0; n < 30; n += 1) {
      const workflow = `flow-${n}`
      await noise(workflow)
      if (n % 3 === 0) {
        await history.record({ command: `git clone https://host/r${n}.git`, workflow_id: workflow })
        await history.record({ command: `npm install left-pad${n}`, workflow_id: workflow })
        await history.record({ command: 'ls -la', workflow_id: workflow })
        await history.record({ command: 'npm run build', workflow_id: workflow })
      }
      await noise(workflow)
      await noise(workflow)
    }
    await history.index()
    await history.patterns.minePatterns()
    const patterns = await history.history.getPatterns()
    expect(patterns.map((one) => one.command_sequence)).toEqual([
      ['git clone {url}', 'npm install {package}', 'npm run build'],
    ])
    expect(patterns[0]?.parameters['package']?.[0]).toMatch(/^left-pad/)
  }, 60_000)
})

import { join } from 'node:path'
import { silentLogger } from '@centralpost/shared'
import {
  executorOptionsSchema,
  probeSandbox,
  type Run,
  SystemExecutor,
} from '#hub/execution/index.ts'
import { holdMemory } from './ballast.ts'
import { answerMeasurements } from './measure.mjs'

const [folder = '', ballast = '0'] = process.argv.slice(2)
const held = holdMemory(Number(ballast))
const { sandbox } = await probeSandbox({ roots: [folder], hidden: [] })
const executor = new SystemExecutor({
  ...executorOptionsSchema.parse({}),
  spoolDir: join(folder, 'spool'),
  cacheDir: join(folder, 'cache'),
  sandbox,
  marker: `bench-${process.pid}`,
  log: silentLogger,
})
answerMeasurements(async ({ plan, confinement }: Pick<Run, 'plan' | 'confinement'>) => {
  const outcome = await executor.executeCommand({
    actionId: 'bench',
    agentId: 'bench',
    plan,
    cwd: folder,
    env: {},
    timeoutMs: 60_000,
    ...(confinement && { confinement }),
  })
  if (!outcome.success) throw new Error(JSON.stringify(outcome))
})
process.on('disconnect', () => {
  void executor.stop().then(() => process.exit(held.length > 0 ? 0 : 1))
})

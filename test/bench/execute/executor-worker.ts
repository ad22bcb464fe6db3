import { join } from 'node:path'
import { type Plan, silentLogger } from '@centralpost/shared'
import { executorOptionsSchema, SystemExecutor } from '../../../hub/src/execution/index.ts'
import { holdMemory } from './ballast.ts'
import { answerMeasurements } from './measure.mjs'

const [folder = '', ballast = '0'] = process.argv.slice(2)
const held = holdMemory(Number(ballast))
const executor = new SystemExecutor({
  ...executorOptionsSchema.parse({}),
  spoolDir: join(folder, 'spool'),
  cacheDir: join(folder, 'cache'),
  marker: `bench-${process.pid}`,
  log: silentLogger,
})
answerMeasurements(async (plan: Plan) => {
  const run = { actionId: 'bench', plan, cwd: '/', env: {}, timeoutMs: 60_000 }
  const outcome = await executor.executeCommand(run)
  if (!outcome.success) throw new Error(JSON.stringify(outcome))
})
process.on('disconnect', () => {
  void executor.stop().then(() => process.exit(held.length > 0 ? 0 : 1))
})

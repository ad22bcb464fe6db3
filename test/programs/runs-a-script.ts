import { silentLogger } from '@centralpost/shared'
import { executorOptionsSchema, SystemExecutor } from '#hub/execution/index.ts'

const [folder = '', marker = '', timeoutMs = '', ...scripts] = process.argv.slice(2)
await using executor = new SystemExecutor({
  ...executorOptionsSchema.parse({ killGraceMs: 300 }),
  spoolDir: `${folder}/spool`,
  marker,
  log: silentLogger,
})
const outcomes = []
for (const script of scripts) {
  const plan = { kind: 'script', script } as const
  const run = {
    actionId: 'action-1',
    agentId: 'agent-a',
    plan,
    cwd: folder,
    env: {},
    timeoutMs: Number(timeoutMs),
  }
  outcomes.push(await executor.executeCommand(run))
}
process.stdout.write(JSON.stringify(outcomes))
// What could not be ended still counts as a child of this process.
process.exit(0)

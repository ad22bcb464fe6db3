import { silentLogger } from '@centralpost/shared'
import { executorOptionsSchema, SystemExecutor } from '#hub/execution/index.ts'

const [marker = '', spoolDir = '', ...scripts] = process.argv.slice(2)
const executor = new SystemExecutor({
  ...executorOptionsSchema.parse({}),
  spoolDir,
  marker,
  log: silentLogger,
})
let up = 0
const onOutput = () => {
  up += 1
  if (up === scripts.length)
    process.stdout.write(`all up, runners ${executor.runnerPids.join(' ')}\n`)
}
await Promise.all(
  scripts.map((script, index) =>
    executor.executeCommand(
      {
        actionId: `action-${index}`,
        agentId: 'agent-a',
        plan: { kind: 'script', script: `(sleep 0.3; echo up) & ${script}` },
        cwd: '/',
        env: {},
        timeoutMs: 60_000,
      },
      { onOutput },
    ),
  ),
)

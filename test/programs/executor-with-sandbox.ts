import { silentLogger } from '@centralpost/shared'
import { executorOptionsSchema, probeSandbox, SystemExecutor } from '#hub/execution/index.ts'

// Starts commands in the sandbox, says when they are up, and waits to be killed.
const [marker = '', spoolDir = '', cwd = '/', ...scripts] = process.argv.slice(2)
const { sandbox } = await probeSandbox({ roots: [cwd], hidden: [] })
const executor = new SystemExecutor({
  ...executorOptionsSchema.parse({}),
  spoolDir,
  marker,
  log: silentLogger,
  sandbox,
})
let up = 0
const onOutput = () => {
  up += 1
  if (up === scripts.length) process.stdout.write('all up\n')
}
await Promise.all(
  scripts.map((script, index) =>
    executor.executeCommand(
      {
        actionId: `action-${index}`,
        agentId: 'agent-a',
        plan: { kind: 'script', script: `(sleep 0.3; echo up) & ${script}` },
        cwd,
        env: {},
        timeoutMs: 60_000,
        confinement: {
          profile: 'ro-nonet',
          reason: null,
          refusal: null,
          ask: null,
          shown: [],
          warnings: [],
        },
      },
      { onOutput },
    ),
  ),
)

import { silentLogger } from '@centralpost/shared'
import { executorOptionsSchema, SystemExecutor } from '../../hub/src/execution/index.ts'

// A process of its own: what else a test runner holds would be counted as the executor's.
const [marker = '', spoolDir = ''] = process.argv.slice(2)
await using executor = new SystemExecutor({
  ...executorOptionsSchema.parse({ maxOutputBytes: 4096 * 1024 * 1024 }),
  spoolDir,
  marker,
  log: silentLogger,
})
let heard = 0
const flood = (timeoutMs: number) =>
  executor.executeCommand(
    {
      actionId: `flood-${timeoutMs}`,
      plan: { kind: 'argv', argv: ['yes'] },
      cwd: '/',
      env: {},
      timeoutMs,
    },
    {
      onOutput: ({ data }) => {
        heard += data.length
      },
    },
  )

await flood(300)
heard = 0
const before = process.memoryUsage.rss()
let peak = before
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss())
}, 20)
const { status, stdout } = await flood(2000)
clearInterval(watch)
process.stdout.write(
  JSON.stringify({ status, bytes: stdout.bytes, heard, grownBytes: peak - before }),
)

import { readFileSync } from 'node:fs'
import { silentLogger } from '@centralpost/shared'
import { executorOptionsSchema, SystemExecutor } from '#hub/execution/index.ts'

// A process of its own: what else a test runner holds would be counted as the executor's.
const [marker = '', spoolDir = '', duration = ''] = process.argv.slice(2)
const milliseconds = Number(duration)
await using executor = new SystemExecutor({
  ...executorOptionsSchema.parse({ maxOutputBytes: 1024 ** 4 }),
  spoolDir,
  marker,
  log: silentLogger,
})
let heard = 0
const flood = (timeoutMs: number) =>
  executor.executeCommand(
    {
      actionId: `flood-${timeoutMs}`,
      agentId: 'agent-a',
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

/** The hub's process and its runners, each by its resident bytes. */
function resident(): number[] {
  const pids = [process.pid, ...executor.runnerPids]
  return pids.map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024
  })
}

await flood(300)
heard = 0
const before = resident()
let peaks = before
const watch = setInterval(() => {
  peaks = resident().map((bytes, index) => Math.max(bytes, peaks[index] ?? 0))
}, 50)
const { status, stdout } = await flood(milliseconds)
clearInterval(watch)
const grownBytes = peaks.map((bytes, index) => bytes - (before[index] ?? 0))
process.stdout.write(JSON.stringify({ status, bytes: stdout.bytes, heard, grownBytes }))

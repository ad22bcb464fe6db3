import { CentralPostError } from '@centralpost/shared'
import { brokerPaths, readBrokerState } from './broker-state.ts'
import { until } from './probe.ts'
import { commandLineOf } from './process-identity.ts'

const termMs = 3000
const killMs = 3000

/** Whether this process is a server with this configuration file. */
export async function isServerOf(pid: number, config: string): Promise<boolean> {
  const commandLine = await commandLineOf(pid)
  return commandLine?.endsWith(` --config ${config}`) === true
}

/**
 * Ends the server left behind by a dead parent, so that two never write one store. Only the holder
 * of the broker's lock may call this.
 *
 * @throws {CentralPostError} `conflict` when it does not end
 */
export async function endStaleServer(dataDir: string): Promise<void> {
  const { config } = brokerPaths(dataDir)
  const pid = (await readBrokerState(dataDir))?.pid
  if (pid === undefined || !(await isServerOf(pid, config))) return
  for (const [signal, withinMs] of [
    ['SIGTERM', termMs],
    ['SIGKILL', killMs],
  ] as const) {
    if (await ended(pid, config, signal, withinMs)) return
  }
  throw new CentralPostError(
    'conflict',
    `the nats-server with pid ${pid} of an earlier start cannot be ended: end it and start again`,
  )
}

async function ended(
  pid: number,
  config: string,
  signal: NodeJS.Signals,
  withinMs: number,
): Promise<boolean> {
  try {
    process.kill(pid, signal)
    const what = `the nats-server with pid ${pid} did not end`
    await until(async () => !(await isServerOf(pid, config)), { withinMs, what })
    return true
  } catch {
    // No permission or too slow; fine if the server is gone by now.
    return !(await isServerOf(pid, config))
  }
}

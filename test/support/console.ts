import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Console, type ConsoleOptions } from '#agents/console/server/console.ts'
import { ensurePage } from '../../config/setup/page.js'
import type { TestHub } from './hub.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A console of an operator of a test's hub; it goes with the test. */
export async function startConsole(
  it: TestHub,
  name = 'alice',
  options: Partial<ConsoleOptions> = {},
): Promise<Console> {
  ensurePage(root)
  const agent = `operator-${name}`
  const hasAgent = (await it.broker.store.list()).some((one) => one.name === agent)
  return Console.start({
    name,
    credentials: await it.broker.credentials('operator', name),
    ...(hasAgent && { agentCredentials: await it.broker.credentials('agent', agent) }),
    dataDir: join(it.dataDir, 'test-console'),
    env: {},
    ...options,
  })
}

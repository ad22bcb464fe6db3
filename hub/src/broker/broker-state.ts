import { join } from 'node:path'
import { z } from 'zod'
import {
  makePrivateFolder,
  readIfPresent,
  writePrivateFile,
} from '@centralpost/shared/private-files'
import { LockFile } from './lock-file.ts'
import { freePort, loopback } from './ports.ts'

const brokerStateSchema = z.object({
  url: z.string(),
  port: z.int(),
  /** The server under the broker's lock; absent until its first answer. */
  pid: z.int().optional(),
  config: z.string(),
})

/** The remembered broker of a data directory, so that clients and the next start find it again. */
export type BrokerState = z.infer<typeof brokerStateSchema>

/** The files of the embedded broker inside a data directory. */
export function brokerPaths(dataDir: string) {
  const folder = join(dataDir, 'broker')
  return {
    folder,
    state: join(folder, 'state.json'),
    config: join(folder, 'nats-server.conf'),
    log: join(folder, 'nats-server.log'),
    store: join(folder, 'jetstream'),
    lock: join(folder, 'lock'),
    reloadLock: join(folder, 'reload-lock'),
    portLock: join(folder, 'port-lock'),
  }
}

export const urlOfPort = (port: number): string => `nats://${loopback}:${port}`

/** The remembered broker, or undefined if it is missing or unreadable. */
export async function readBrokerState(dataDir: string): Promise<BrokerState | undefined> {
  const text = await readIfPresent(brokerPaths(dataDir).state)
  if (text === undefined) return undefined
  try {
    return brokerStateSchema.parse(JSON.parse(text))
  } catch {
    // A broken file costs no more than the remembered port.
    return undefined
  }
}

export async function writeBrokerState(dataDir: string, state: BrokerState): Promise<void> {
  await writePrivateFile(brokerPaths(dataDir).state, `${JSON.stringify(state)}\n`)
}

/**
 * The broker's state in a data directory. Picks and remembers a free port if necessary, so that
 * credentials contain the address before the first start.
 */
export async function ensureBrokerState(dataDir: string): Promise<BrokerState> {
  const known = await readBrokerState(dataDir)
  if (known) return known
  const paths = brokerPaths(dataDir)
  await makePrivateFolder(paths.folder)
  await using lock = await LockFile.take(paths.portLock, { waitMs: 10_000 })
  const chosen = await readBrokerState(dataDir)
  if (chosen) return chosen
  const port = await freePort()
  const state = { url: urlOfPort(port), port, config: paths.config }
  await writeBrokerState(dataDir, state)
  return state
}

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const noteName = 'ledger-id'
const replacedName = 'ledger-id.replaced'

/** Records the ledger's id beside the database, so that it is known when the database is lost. */
export function noteLedger(dataDir: string, ledgerId: string): void {
  writeFileSync(join(dataDir, noteName), `${ledgerId}\n`, { mode: 0o600 })
  rmSync(join(dataDir, replacedName), { force: true })
}

/** The recorded ledger is lost for good: the next hub takes its place at the broker. */
export function noteReplaced(dataDir: string): void {
  const path = join(dataDir, noteName)
  if (existsSync(path)) renameSync(path, join(dataDir, replacedName))
}

/** The ledger replaced by a new one; undefined without any. */
export function replacedLedger(dataDir: string): string | undefined {
  const path = join(dataDir, replacedName)
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
}

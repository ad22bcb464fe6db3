import { getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { type Checkpoint, isCentralPostError, messageOf } from '@centralpost/shared'
import { writeSegment } from '../audit/segments.ts'
import { verifyAudit } from '../audit/verify.ts'
import { CommandHistory } from './command-history.ts'
import { openStore } from '../store/database.ts'
import type { CheckpointReport, Store } from '../store/dialect/dialect.ts'
import { Indexer } from './indexer.ts'
import { type NewPattern, PatternStore } from '../patterns/pattern-store.ts'
import type { WorkerCall, WorkerReply, WorkerStart } from './worker-messages.ts'

/** Pieces of indexing between two checkpoints of the log. */
const stepsToCheckpoint = 5
/** Niceness of background threads: they still get a quarter of a busy core. */
const nicer = 5

/** The methods of the thread that writes the memory. */
export function indexerMethods(store: Store, hubId: string) {
  const indexer = new Indexer(store, hubId)
  const patterns = new PatternStore(store.db)
  const changed = async <T>(work: Promise<T>): Promise<T> => {
    const value = await work
    indexer.patternsChanged()
    return value
  }
  return {
    /**
     * Processes one piece of the backlog, so that calls come in between.
     *
     * @returns whether more remains, and the state of the ledger's log
     */
    index: async (): Promise<{ readonly isMore: boolean } & CheckpointReport> => {
      let isMore = true
      for (let steps = 0; isMore && steps < stepsToCheckpoint; steps += 1) {
        isMore = await indexer.step()
        await new Promise(setImmediate)
      }
      return { isMore, ...(await store.dialect.checkpoint()) }
    },
    checkpoint: () => store.dialect.checkpoint(),
    createPattern: (pattern: NewPattern) => changed(patterns.createPattern(pattern)),
    recordPatternUsage: (use: Parameters<PatternStore['recordPatternUsage']>[0]) =>
      patterns.recordPatternUsage(use),
    minePatterns: () => changed(patterns.minePatterns()),
  }
}
export type IndexerMethods = ReturnType<typeof indexerMethods>

/** The methods of a thread that reads the whole audit trail. */
export function auditorMethods(store: Store) {
  return {
    verify: (checkpoints: readonly Checkpoint[]) => verifyAudit(store, checkpoints),
    writeSegment: (dataDir: string, before: number) => writeSegment(store.db, dataDir, before),
  }
}
export type AuditorMethods = ReturnType<typeof auditorMethods>

/** Gives the hub's main thread priority where cores are few: background work has time. */
function stepBehind(): void {
  // only Linux applies it to this thread instead of the whole process
  if (process.platform === 'linux') setPriority(0, Math.min(19, getPriority(0) + nicer))
}

type Methods = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>

async function serve({ role, location, hubId }: WorkerStart): Promise<void> {
  const port = parentPort
  if (port === null) throw new TypeError('this module runs only in a worker thread')
  if (role !== 'reader') stepBehind()
  const store = await openStore(location, 'memory')
  const answer = methodsOf(role, store, hubId)
  port.on('message', (call: WorkerCall) => {
    if (call.method === 'close') {
      void store.close().then(() => port.close())
      return
    }
    answer(call.method, call.args)
      .then((value): WorkerReply => ({ id: call.id, ok: true, value }))
      .catch((error: unknown): WorkerReply => ({
        id: call.id,
        ok: false,
        code: isCentralPostError(error) ? error.code : 'fault',
        message: isCentralPostError(error) ? error.message : messageOf(error),
      }))
      .then((reply) => port.postMessage(reply))
      .catch((error: unknown) => {
        throw error
      })
  })
}

function methodsOf(
  role: WorkerStart['role'],
  store: Store,
  hubId: string,
): (method: string, args: readonly unknown[]) => Promise<unknown> {
  if (role === 'reader') {
    const history = new CommandHistory(store) as unknown as Methods
    return (method, args) => Reflect.apply(methodOf(history, method), history, args)
  }
  const methods = (role === 'indexer'
    ? indexerMethods(store, hubId)
    : auditorMethods(store)) as unknown as Methods
  return (method, args) => Reflect.apply(methodOf(methods, method), undefined, args)
}

function methodOf(methods: Methods, name: string): (...args: unknown[]) => Promise<unknown> {
  const method = methods[name]
  if (method === undefined) throw new TypeError(`a history thread has no method ${name}`)
  return method as (...args: unknown[]) => Promise<unknown>
}

if (parentPort !== null) await serve(workerData as WorkerStart)

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import SqliteDatabase from 'better-sqlite3'
import { connect } from 'nats'
import { clientOptions } from '../../support/nats-server.ts'
import { signal } from '../../support/signal.ts'
import type { Dice } from './dice.ts'
import type { Lab } from './lab.ts'
import type { Needs, World } from './world.ts'

/** One way in which what a hub stands on fails, and is whole again some time later. */
export interface Fault {
  readonly name: string
  /** why it cannot be tried here; null: it can */
  readonly missing: (lab: Lab) => string | null
  readonly needs?: Needs
  /** Breaks and mends. @param lengthMs how long it lasts, where that can be said, in milliseconds */
  readonly strike: (world: World, dice: Dice, lengthMs: number) => Promise<void>
}

const anywhere = (): null => null
const onSqlite = (lab: Lab): string | null =>
  lab.backend === 'sqlite' ? null : 'the history is not a file here'
const onPostgres = (lab: Lab): string | null =>
  lab.server === undefined ? 'the history is not in PostgreSQL here' : null
const withCompiler = (lab: Lab): string | null =>
  lab.libraries === undefined ? 'there is no C compiler' : null
const onSqliteWithCompiler = (lab: Lab): string | null => onSqlite(lab) ?? withCompiler(lab)
const onSqliteAsRoot = (lab: Lab): string | null =>
  onSqlite(lab) ?? (process.getuid?.() === 0 ? null : 'only root may mount a small disk')

/** What a hub may be killed at, by the subject that tells of it. */
const moments = [
  'SYSTEM_ACTION_REQUEST.*',
  'SYSTEM_ACTION_APPROVAL_NEEDED.*.*',
  'SYSTEM_ACTION_APPROVED.*.*',
  'SYSTEM_ACTION_DENIED.*.*',
  'SYSTEM_ACTION_START.*.*',
  'SYSTEM_ACTION_RESULT.*.*',
]

const disk = (name: string, order: string): Fault => ({
  name,
  missing: onSqliteWithCompiler,
  needs: { library: 'disk' },
  strike: (world, _dice, lengthMs) => ordered(world, order, lengthMs),
})

export const faults: readonly Fault[] = [
  {
    name: 'hub killed',
    missing: anywhere,
    strike: async (world) => {
      await world.hub.kill9()
    },
  },
  {
    name: 'hub killed at a moment',
    missing: anywhere,
    strike: async (world, dice) => killAt(world, dice.of(moments), dice.between(1, 6)),
  },
  {
    name: 'hub killed twice',
    missing: anywhere,
    strike: async (world, dice) => {
      await world.hub.kill9()
      await delay(dice.between(300, 2500))
      await world.hub.kill9()
    },
  },
  {
    name: 'hub stopped',
    missing: anywhere,
    strike: (world, _dice, lengthMs) => stopped([world.hub.pid], lengthMs),
  },
  {
    name: 'runner killed',
    missing: anywhere,
    strike: async (world) => {
      for (const pid of runnersOf(world)) signal(pid, 'SIGKILL')
    },
  },
  {
    name: 'runner stopped',
    missing: anywhere,
    strike: (world, _dice, lengthMs) => stopped(runnersOf(world), lengthMs),
  },
  {
    name: 'broker killed',
    missing: anywhere,
    strike: async (world) => {
      await world.broker.kill9()
      await world.broker.isBack()
    },
  },
  {
    name: 'broker stopped',
    missing: anywhere,
    strike: (world, _dice, lengthMs) => stopped([world.broker.embedded.pid], lengthMs),
  },
  {
    name: "broker's storage wiped",
    missing: anywhere,
    strike: (world) => world.wipeBroker(),
  },
  {
    name: 'database locked',
    missing: onSqlite,
    strike: async (world, _dice, lengthMs) => {
      const other = new SqliteDatabase(join(world.dataDir, 'hub.db'), { timeout: 5000 })
      try {
        other.exec('begin exclusive')
        await delay(lengthMs)
        other.exec('rollback')
      } finally {
        other.close()
      }
    },
  },
  {
    name: 'disk full',
    missing: onSqliteAsRoot,
    needs: { smallDisk: true },
    strike: async (world, _dice, lengthMs) => {
      const ballast = join(world.dataDir, 'ballast')
      // as much as fits, and the rest does not
      await writeFile(ballast, Buffer.alloc(32 * 1024 * 1024)).catch(() => {})
      await delay(lengthMs)
      // not even its name may have had room
      await rm(ballast, { force: true })
    },
  },
  disk('writes refused for want of room', 'write 28'),
  disk('database read-only', 'write 30'),
  disk('one write failed', 'write 5 once'),
  disk('fsync failed', 'sync 5'),
  {
    name: 'clock set',
    missing: withCompiler,
    needs: { library: 'clock' },
    strike: async (world, dice, lengthMs) => {
      const bySeconds = dice.next() < 0.5 ? -dice.between(5, 15) : dice.between(5, 600)
      await ordered(world, String(bySeconds * 1000), lengthMs)
    },
  },
  {
    name: 'PostgreSQL killed',
    missing: onPostgres,
    strike: async ({ lab }) => lab.server?.kill9(),
  },
  {
    name: 'connections to PostgreSQL ended',
    missing: onPostgres,
    strike: async ({ lab }) => lab.server?.endConnections(),
  },
  {
    name: 'PostgreSQL stopped',
    missing: onPostgres,
    strike: async ({ lab }, _dice, lengthMs) => {
      const goOn = lab.server?.pause()
      await delay(lengthMs)
      goOn?.()
    },
  },
  {
    name: 'PostgreSQL cut off',
    missing: onPostgres,
    needs: { proxy: true },
    strike: async ({ proxy }, _dice, lengthMs) => {
      proxy?.cut()
      await delay(lengthMs)
      proxy?.mend()
    },
  },
]

async function ordered(world: World, order: string, lengthMs: number): Promise<void> {
  await world.order(order)
  await delay(lengthMs)
  await world.order(null)
}

/** Kills the hub when the nth message on a subject passes by, or after some seconds without. */
async function killAt(world: World, subject: string, nth: number): Promise<void> {
  const ear = await connect(clientOptions(await world.broker.credentials('hub')))
  const passed = Promise.withResolvers<void>()
  let count = 0
  ear.subscribe(subject, {
    callback: () => {
      count += 1
      if (count < nth) return
      // here and now, before anything else is done
      if (world.hub.isRunning) signal(world.hub.pid, 'SIGKILL')
      passed.resolve()
    },
  })
  await Promise.race([passed.promise, delay(3000)])
  await world.hub.kill9()
  await ear.close()
}

function runnersOf({ hub }: World): number[] {
  try {
    return hub.runnerPids
  } catch {
    // it has just died of the other fault
    return []
  }
}

async function stopped(pids: readonly number[], lengthMs: number): Promise<void> {
  for (const pid of pids) signal(pid, 'SIGSTOP')
  await delay(lengthMs)
  for (const pid of pids) signal(pid, 'SIGCONT')
}

import type { Logger } from '@centralpost/shared'
import { z } from 'zod'
import type { ControlGroups } from './sandbox/control-groups.ts'
import type { ResourceLimits } from './sandbox/limits.ts'
import type { Sandbox } from './sandbox/sandbox.ts'
import type { OutputLimits } from './output/kept-outputs.ts'

const MiB = 1024 * 1024

/** What of the executor can be configured, with the default of each. */
export const executorOptionsSchema = z.strictObject({
  defaultTimeoutMs: z
    .int()
    .min(1)
    .default(300_000)
    .describe('how long a command may run that asks for no timeout, in ms'),
  maxTimeoutMs: z
    .int()
    .min(1)
    .default(600_000)
    .describe('how long any command may run, in ms; longer wishes are cut to it'),
  unattendedTimeoutMs: z
    .int()
    .min(1)
    .default(120_000)
    .describe('how long a command may run that nobody has cleared, in ms'),
  maxOutputBytes: z
    .int()
    .min(1024)
    .default(100 * MiB)
    .describe('how much a command may write to stdout and stderr together, in bytes'),
  inlineBytes: z
    .int()
    .min(1024)
    .max(256 * 1024)
    .default(256 * 1024)
    .describe('how much of each stream the result itself holds (head and tail), in bytes'),
  killGraceMs: z
    .int()
    .min(0)
    .default(5000)
    .describe('how long after SIGTERM a process is ended with SIGKILL, in ms'),
  bashPath: z
    .string()
    .startsWith('/')
    .default('/bin/bash')
    .describe('the bash that runs what is not one simple command'),
  path: z
    .string()
    .min(1)
    .default('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    .describe('the PATH of every command; only its absolute folders are searched'),
  passEnv: z
    .array(z.string())
    .default(['HOME', 'USER', 'LOGNAME', 'LANG', 'TZ', 'TMPDIR'])
    .describe("names of the hub's own variables that commands get; empty: none of them"),
  runners: z.int().min(1).max(16).default(1).describe('how many processes start commands'),
})
export type ExecutorSettings = z.output<typeof executorOptionsSchema>

/** What an executor needs: its settings, and what the hub decides. */
export interface ExecutorOptions extends ExecutorSettings {
  /** Folder for output that is too long for a result; made when it is missing. */
  readonly spoolDir: string
  /** How much of it is kept, and how long; absent: all of it, for ever. */
  readonly outputLimits?: OutputLimits
  /** The hub's id: tells its processes from those of another hub. */
  readonly marker: string
  readonly log: Logger
  /** What the probe found; absent: nothing is confined. */
  readonly sandbox?: Sandbox | null
  /** Of every command; absent: none. */
  readonly limits?: ResourceLimits
  /** Where the kernel counts what a whole tree uses; absent: each process is limited by itself. */
  readonly groups?: ControlGroups | null
  /**
   * How long a runner may be silent before it is taken for stuck and killed, in ms.
   *
   * @default 20_000
   */
  readonly runnerSilenceMs?: number
  /** Where Node keeps the runners' compiled code; absent: nowhere. */
  readonly cacheDir?: string
  /**
   * The variables that `passEnv` chooses from.
   *
   * @default process.env
   */
  readonly hubEnv?: Readonly<Record<string, string | undefined>>
}

import type { Logger } from '@centralpost/shared'
import { z } from 'zod'
import type { ControlGroups } from './sandbox/control-groups.ts'
import type { ResourceLimits } from './sandbox/limits.ts'
import type { Sandbox } from './sandbox/sandbox.ts'
import type { OutputLimits } from './output/kept-outputs.ts'

const MiB = 1024 * 1024

/** The executor's settings, with their defaults. */
export const executorOptionsSchema = z.strictObject({
  defaultTimeoutMs: z.int().min(1).default(300_000).describe('default timeout of a command, in ms'),
  maxTimeoutMs: z
    .int()
    .min(1)
    .default(600_000)
    .describe('maximal timeout of a command, in ms; longer ones are reduced to it'),
  unattendedTimeoutMs: z
    .int()
    .min(1)
    .default(120_000)
    .describe('maximal run time of a command without approval, in ms'),
  maxOutputBytes: z
    .int()
    .min(1024)
    .default(100 * MiB)
    .describe('output limit of a command, stdout and stderr together, in bytes'),
  inlineBytes: z
    .int()
    .min(1024)
    .max(256 * 1024)
    .default(256 * 1024)
    .describe('bytes of each stream in the result (head and tail)'),
  killGraceMs: z.int().min(0).default(5000).describe('delay between SIGTERM and SIGKILL, in ms'),
  bashPath: z
    .string()
    .startsWith('/')
    .default('/bin/bash')
    .describe('the bash for everything but single simple commands'),
  path: z
    .string()
    .min(1)
    .default('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')
    .describe('the PATH of every command; only its absolute folders are searched'),
  passEnv: z
    .array(z.string())
    .default(['HOME', 'USER', 'LOGNAME', 'LANG', 'TZ', 'TMPDIR'])
    .describe("names of the hub's own variables that commands get; empty: none"),
  runners: z.int().min(1).max(16).default(1).describe('number of processes that start commands'),
})
export type ExecutorSettings = z.output<typeof executorOptionsSchema>

/** The executor's settings, and values supplied by the hub. */
export interface ExecutorOptions extends ExecutorSettings {
  /** Folder for outputs too long for a result; created if missing. */
  readonly spoolDir: string
  /** Size and age limits of kept outputs; absent: unlimited. */
  readonly outputLimits?: OutputLimits
  /** The hub's id, which marks its processes. */
  readonly marker: string
  readonly log: Logger
  /** The probe's result; absent: nothing is confined. */
  readonly sandbox?: Sandbox | null
  /** Limits of every command; absent: none. */
  readonly limits?: ResourceLimits
  /** The kernel's counters for a whole tree; absent: each process is limited separately. */
  readonly groups?: ControlGroups | null
  /**
   * How long a runner may be silent before it counts as stuck and is killed, in ms.
   *
   * @default 20_000
   */
  readonly runnerSilenceMs?: number
  /** Node's compile cache for runners; absent: no cache. */
  readonly cacheDir?: string
  /**
   * The variables from which `passEnv` selects.
   *
   * @default process.env
   */
  readonly hubEnv?: Readonly<Record<string, string | undefined>>
}

import { secondsSetting } from '@centralpost/shared'
import { z } from 'zod'
import { sandboxModes } from './sandbox/policy.ts'
import { profiles } from './sandbox/profiles.ts'

/** The settings of execution, with the default of each. */
export const executionSettingsSchema = z
  .strictObject({
    default_timeout: secondsSetting(300, 0.1, 86_400, 'of a command whose request names none'),
    max_timeout: secondsSetting(600, 0.1, 86_400, 'the most a request may ask for'),
    safe_timeout: secondsSetting(
      120,
      0.1,
      86_400,
      'the most for what is SAFE, which nobody looks at: tail -f, sleep infinity end by it',
    ),
    kill_grace: secondsSetting(5, 0, 600, 'between TERM and KILL'),
    max_output_bytes: z
      .int()
      .min(1024)
      .default(104_857_600)
      .describe('of one command, both streams together'),
    inline_bytes: z
      .int()
      .min(1024)
      .max(393_216)
      .default(262_144)
      .describe('of each stream inside a result'),
    kept_output: z
      .strictObject({
        max_bytes: z
          .int()
          .min(1_000_000)
          .default(10_000_000_000)
          .describe('of all long outputs that are kept beside their results'),
        max_bytes_per_agent: z
          .int()
          .min(1_000_000)
          .default(2_000_000_000)
          .describe('of these, of one agent'),
        days: z.number().min(0.01).max(3650).default(30).describe('how long one is kept'),
      })
      .prefault({}),
    parallel: z.int().min(1).max(256).default(4).describe('commands at the same time'),
    parallel_per_agent: z
      .int()
      .min(1)
      .max(256)
      .optional()
      .describe('of these, of one agent; at most, and where absent, one less than parallel'),
    queued_per_agent: z
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('actions of one agent that may stand in line for a place; more are rejected'),
    pass_env: z
      .array(z.string())
      .default([])
      .describe(
        "names of the hub's variables that commands see besides the usual harmless ones; empty: none",
      ),
    sandbox: z
      .strictObject({
        mode: z
          .enum(sandboxModes)
          .default('auto')
          .describe(
            'auto: what is SAFE runs confined, and where bubblewrap does not work a person is asked but for what reads no file; ' +
              'required: what should be confined does not start without it; off',
          ),
        bwrap: z
          .string()
          .startsWith('/')
          .optional()
          .describe('the bwrap to use; absent: it is looked for on PATH and where set-up keeps it'),
        safe: z.enum(profiles).default('ro-nonet').describe('the profile of SAFE commands'),
        review: z
          .enum(profiles)
          .default('none')
          .describe('the profile of commands that a person has cleared; the approver is shown it'),
      })
      .prefault({}),
    limits: z
      .strictObject({
        memory_bytes: z
          .int()
          .min(16_777_216)
          .optional()
          .describe('of a command with all it starts'),
        file_size_bytes: z.int().min(1024).optional().describe('of any file that it writes'),
        cpu_seconds: z.int().min(1).max(86_400).optional().describe('of each of its processes'),
        processes: z
          .int()
          .min(8)
          .max(100_000)
          .optional()
          .describe(
            'at the same time; the kernel counts them where it can, else the hub; absent: 1024, counted by the hub',
          ),
        temporary_bytes: z
          .int()
          .min(1_048_576)
          .default(1_073_741_824)
          .describe('of what a confined command keeps in /tmp, in /var/tmp and in /dev/shm, each'),
        open_files: z.int().min(16).max(1_000_000).optional().describe('of each of its processes'),
      })
      .prefault({})
      .describe('what one command may use; of what is not named here there is no limit'),
  })
  .prefault({})
export type ExecutionSettings = z.output<typeof executionSettingsSchema>

/** How many commands of one agent may run at a time: where there is more than one place, one is left to others. */
export function placesPerAgent({
  parallel,
  parallel_per_agent: asked = parallel,
}: ExecutionSettings): number {
  return Math.max(1, Math.min(asked, parallel - 1))
}

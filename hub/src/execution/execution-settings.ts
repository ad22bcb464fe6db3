import { secondsSetting } from '@centralpost/shared'
import { z } from 'zod'
import { sandboxModes } from './sandbox/policy.ts'
import { profiles } from './sandbox/profiles.ts'

/** The settings of execution, with their defaults. */
export const executionSettingsSchema = z
  .strictObject({
    default_timeout: secondsSetting(
      300,
      0.1,
      86_400,
      'timeout of a command whose request names none',
    ),
    max_timeout: secondsSetting(600, 0.1, 86_400, 'maximal timeout of a request'),
    safe_timeout: secondsSetting(
      120,
      0.1,
      86_400,
      'maximal run time of SAFE commands, which run without approval: ends tail -f, sleep infinity',
    ),
    kill_grace: secondsSetting(5, 0, 600, 'delay between TERM and KILL'),
    max_output_bytes: z
      .int()
      .min(1024)
      .default(104_857_600)
      .describe('output limit per command, both streams together'),
    inline_bytes: z
      .int()
      .min(1024)
      .max(393_216)
      .default(262_144)
      .describe('bytes of each stream inside a result'),
    kept_output: z
      .strictObject({
        max_bytes: z
          .int()
          .min(1_000_000)
          .default(10_000_000_000)
          .describe('total size of the outputs kept beside their results'),
        max_bytes_per_agent: z
          .int()
          .min(1_000_000)
          .default(2_000_000_000)
          .describe('share of one agent'),
        days: z.number().min(0.01).max(3650).default(30).describe('how long an output is kept'),
      })
      .prefault({}),
    parallel: z.int().min(1).max(256).default(4).describe('slots: commands at the same time'),
    parallel_per_agent: z
      .int()
      .min(1)
      .max(256)
      .optional()
      .describe('slots of one agent; at most, and by default, one less than parallel'),
    queued_per_agent: z
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('queued actions per agent; more are rejected'),
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
            'auto: SAFE commands run confined; where bubblewrap does not work, those that read ' +
              'files need approval; required: commands that must be sandboxed are refused without it; off',
          ),
        bwrap: z
          .string()
          .startsWith('/')
          .optional()
          .describe('path of bwrap; absent: found on PATH or where set-up keeps it'),
        safe: z.enum(profiles).default('ro-nonet').describe('the profile of SAFE commands'),
        review: z
          .enum(profiles)
          .default('none')
          .describe('the profile of approved commands, shown to the approver'),
      })
      .prefault({}),
    limits: z
      .strictObject({
        memory_bytes: z
          .int()
          .min(16_777_216)
          .optional()
          .describe('of a command with its whole process tree'),
        file_size_bytes: z.int().min(1024).optional().describe('of any file that it writes'),
        cpu_seconds: z.int().min(1).max(86_400).optional().describe('of each of its processes'),
        processes: z
          .int()
          .min(8)
          .max(100_000)
          .optional()
          .describe(
            'at the same time; counted by the kernel where possible, else by the hub; absent: ' +
              '1024, counted by the hub',
          ),
        temporary_bytes: z
          .int()
          .min(1_048_576)
          .default(1_073_741_824)
          .describe("of a confined command's files in /tmp, in /var/tmp and in /dev/shm, each"),
        open_files: z.int().min(16).max(1_000_000).optional().describe('of each of its processes'),
      })
      .prefault({})
      .describe('resource limits of one command; absent: no limit'),
  })
  .prefault({})
export type ExecutionSettings = z.output<typeof executionSettingsSchema>

/** Limit of one agent's running commands: with more than one slot, one is left to others. */
export function placesPerAgent({
  parallel,
  parallel_per_agent: asked = parallel,
}: ExecutionSettings): number {
  return Math.max(1, Math.min(asked, parallel - 1))
}

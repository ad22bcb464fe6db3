import {
  checkConfig,
  readYaml,
  resultStatuses,
  trustLevels,
  quoteIfNeeded,
} from '@centralpost/shared'
import { z } from 'zod'
import type { PlannedStep, Planner } from './planner.ts'

const stepSchema = z
  .strictObject({
    command: z.string().min(1).optional().describe('a bash command line'),
    argv: z.array(z.string()).min(1).optional().describe('a program and its arguments'),
    context: z.string().optional().describe('the purpose, for the approver'),
    cwd: z.string().optional(),
    env: z.record(z.string(), z.string()).optional(),
    timeout: z.number().positive().optional().describe('seconds'),
    expect: z.array(z.enum(resultStatuses)).min(1).default(['completed']),
    only_if: z.enum(trustLevels).optional(),
    on_unexpected: z.enum(['continue', 'stop']).default('continue'),
  })
  .refine((step) => (step.command === undefined) !== (step.argv === undefined), {
    error: 'give exactly one of command and argv',
  })

const planSchema = z.strictObject({
  task: z.string().min(1).describe('the purpose of the plan'),
  steps: z.array(stepSchema).min(1),
})

/** A plan from a file: steps in order. A step can stop the plan. */
export class WrittenPlan implements Planner {
  readonly task: string
  readonly #steps: readonly PlannedStep[]
  #at = 0

  private constructor(task: string, steps: readonly PlannedStep[]) {
    this.task = task
    this.#steps = steps
  }

  /**
   * Reads a plan (YAML or JSON). `{{name}}` stands for a value from `values`: quoted for the shell
   * in a command's text, verbatim elsewhere.
   *
   * @throws {CentralPostError} `invalid_config` naming file and field
   */
  static async read(
    path: string,
    values: Readonly<Record<string, string>> = {},
  ): Promise<WrittenPlan> {
    return WrittenPlan.of(await readYaml(path), values, path)
  }

  /** The same from a parsed value; `path` is only for messages. */
  static of(value: unknown, values: Readonly<Record<string, string>>, path: string): WrittenPlan {
    const names = [...JSON.stringify(value ?? null).matchAll(placeholder)].map(([, name]) => name)
    const missing = names.filter((name) => name !== undefined && !Object.hasOwn(values, name))
    const plan = checkConfig(
      planSchema.refine(() => missing.length === 0, {
        error: `needs a value for ${missing.join(', ')}: give it with --set NAME=VALUE`,
      }),
      value,
      path,
    )
    const steps = plan.steps.map(({ timeout, only_if: onlyIf, on_unexpected, ...step }) => ({
      ...withoutUndefined({
        command: step.command && fill(step.command, values, quoteIfNeeded),
        argv: step.argv?.map((word) => fill(word, values)),
        context: step.context && fill(step.context, values),
        cwd: step.cwd && fill(step.cwd, values),
        env:
          step.env &&
          Object.fromEntries(
            Object.entries(step.env).map(([key, text]) => [key, fill(text, values)]),
          ),
        timeoutSeconds: timeout,
        onlyIf,
      }),
      expect: step.expect,
      onUnexpected: on_unexpected,
    }))
    return new WrittenPlan(fill(plan.task, values), steps)
  }

  get length(): number {
    return this.#steps.length
  }

  next(): Promise<PlannedStep | null> {
    const step = this.#steps[this.#at] ?? null
    this.#at += 1
    return Promise.resolve(step)
  }
}

const placeholder = /\{\{([A-Za-z_]\w*)\}\}/g

function fill(
  text: string,
  values: Readonly<Record<string, string>>,
  quote: (value: string) => string = (value) => value,
): string {
  return text.replaceAll(placeholder, (_, name: string) => quote(values[name] ?? ''))
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined | ''> }

function withoutUndefined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>
}

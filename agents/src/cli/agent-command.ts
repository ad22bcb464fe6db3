import { visible, exitCodes } from '@centralpost/shared'
import { resolve } from 'node:path'
import { Argument, type Command } from 'commander'
import { AnalysisAgent } from '../roles/analysis-agent.ts'
import type { LLMAgent, LLMAgentParts, StepDone } from '../roles/llm-agent.ts'
import { ResearchAgent } from '../roles/research-agent.ts'
import { SystemAgent } from '../roles/system-agent.ts'
import { WrittenPlan } from '../roles/written-plan.ts'
import { type CommonOptions, withAgent, withCommonOptions } from './connection.ts'
import { collectPairs } from './option-values.ts'
import { untilStopped } from '../terminal/stop-signal.ts'
import { print, printJson } from '../terminal/terminal.ts'
import { describeEnding } from '../terminal/describe-ending.ts'

const roles: Readonly<Record<string, new (parts: LLMAgentParts) => LLMAgent>> = {
  system: SystemAgent,
  research: ResearchAgent,
  analysis: AnalysisAgent,
}

interface Options extends CommonOptions {
  readonly plan: string
  readonly task?: string
  readonly name?: string
  readonly cwd?: string
  readonly workflow?: string
  readonly set?: Readonly<Record<string, string>>
}

const details = `
A plan is a YAML file:
  task: look at the repository
  steps:
    - command: git log --oneline | head -n 5
      context: what changed last          # for the operator who may have to approve it
    - argv: [mkdir, -p, '{{out}}/report'] # no shell; {{out}} comes from --set out=DIR
      expect: [completed, denied]         # as planned; default: completed
      only_if: REVIEW                     # requested only if judged REVIEW
      on_unexpected: stop                 # default: continue
Read-only steps come first; steps that need approval are put off until later. Exit code 1 when a step ends
otherwise than planned.`

export function addAgentCommand(program: Command): void {
  const command = program
    .command('agent')
    .description('run an agent that follows a written plan')
    .addArgument(new Argument('<role>', 'the kind of agent').choices(Object.keys(roles)))
    .requiredOption('--plan <file>', 'the plan, in YAML or JSON')
    .option('--task <text>', "the agent's task (default: the plan's own)")
    .option('--name <agent>', "the agent's name (default: the role)")
    .option('--cwd <dir>', 'working directory of its commands (default: this one)')
    .option('--workflow <id>', 'the workflow of its actions')
    .option('--set <name=value>', 'a value for the plan; may be repeated', collectPairs)
    .addHelpText('after', details)
  withCommonOptions(command).action(runAgent)
}

async function runAgent(role: string, options: Options): Promise<void> {
  const plan = await WrittenPlan.read(resolve(options.plan), options.set)
  const report = await withAgent(options.name ?? role, options, (agent) => {
    const Role = roles[role] ?? SystemAgent
    const worker = new Role({
      agent,
      planner: plan,
      task: options.task ?? plan.task,
      cwd: resolve(options.cwd ?? '.'),
      ...(options.workflow !== undefined && { workflowId: options.workflow }),
      onStep: (done) => {
        if (options.json) printJson(done)
        else print(line(done))
      },
    })
    return untilStopped((signal) => worker.run({ signal }))
  })
  if (!report.asPlanned) process.exitCode = exitCodes.failed
}

function line({ planned, phase, result, isAsPlanned, note }: StepDone): string {
  const what = visible(planned.command ?? planned.argv?.join(' ') ?? '')
  const how = result ? describeEnding(result) : (note ?? '')
  return `[${phase}] ${what}: ${how}${isAsPlanned ? '' : ' (not as planned)'}`
}

import { LLMAgent, type LLMAgentParts } from './llm-agent.ts'
import type { PlannedStep } from './planner.ts'
import { quoteIfNeeded } from '@centralpost/shared'

/**
 * Works on the machine: assesses, then executes, then verifies. Before it changes Python packages
 * it looks for a virtual environment; finding one, it activates it, and otherwise warns the
 * approver.
 */
export class SystemAgent extends LLMAgent {
  constructor(parts: LLMAgentParts) {
    super(
      {
        type: 'system',
        phases: [
          { name: 'environment assessment', until: 0.3, looksOnly: true },
          { name: 'execution', until: 0.7, looksOnly: false },
          { name: 'verification', until: 1, looksOnly: false },
        ],
      },
      parts,
    )
  }

  protected override async prepare(step: PlannedStep): Promise<PlannedStep> {
    if (!changesPackages(step)) return step
    const state = await this.systemState(step)
    if (state['venv_active'] === true) return step
    const venv = state['venv_path']
    if (typeof venv === 'string') {
      const { argv, ...others } = step
      const command = argv ? argv.map(quoteIfNeeded).join(' ') : step.command
      return { ...others, command: `source ${quoteIfNeeded(`${venv}/bin/activate`)} && ${command}` }
    }
    const warning = 'no virtual environment was found: this changes packages of the system itself'
    return { ...step, context: step.context ? `${step.context} (${warning})` : warning }
  }
}

const pipChange =
  /(?:^|[\s;&|(/])(?:pip[\d.]*|python[\d.]*\s+-m\s+pip)\s+(?:-\S+\s+)*(?:install|uninstall)\b/

/** Whether a step changes Python packages without activating an environment itself. */
export function changesPackages(step: PlannedStep): boolean {
  const text = step.command ?? step.argv?.join(' ') ?? ''
  return pipChange.test(text) && !/\bbin\/activate\b/.test(text)
}

import { type ActionResult, type Logger, silentLogger } from '@centralpost/shared'
import type { ActionAsked } from '../agent/action-asked.ts'
import type { Agent } from '../agent/agent.ts'
import type { WaitOptions } from '../spoke/deadline.ts'
import { type Phase, phaseAt, positionOf, type Role } from './phase.ts'
import type { Observation, PlannedStep, Planner } from './planner.ts'
import type { RequestedAction } from '../agent/requested-action.ts'

export interface LLMAgentParts {
  readonly agent: Agent
  readonly planner: Planner
  readonly task: string
  /** default working directory of commands */
  readonly cwd: string
  readonly workflowId?: string
  readonly log?: Logger
  /** called after each step */
  readonly onStep?: (done: StepDone) => void
}

/** A step that was done or skipped (then without a result), and the reason. */
export interface StepDone {
  readonly planned: PlannedStep
  readonly position: number
  readonly phase: string
  readonly result: ActionResult | null
  readonly isAsPlanned: boolean
  readonly note?: string
}

export interface RunReport {
  readonly agentType: string
  readonly steps: readonly StepDone[]
  readonly asPlanned: boolean
}

/**
 * An agent that works on a task step by step. A planner names the next step (a written plan, or a
 * language model); this class requests it, waits, and reports back. The phase of the task decides
 * the mode: early phases only look, and put off steps that need approval.
 */
export class LLMAgent {
  readonly role: Role
  readonly #parts: LLMAgentParts
  readonly #log: Logger
  readonly #putOff: PlannedStep[] = []

  constructor(role: Role, parts: LLMAgentParts) {
    this.role = role
    this.#parts = parts
    this.#log = parts.log ?? silentLogger
  }

  /** Requests one action in this role. */
  requestAction(asked: ActionAsked, options?: WaitOptions): Promise<RequestedAction> {
    const { agent, workflowId, cwd } = this.#parts
    return agent.requestAction(
      { agentType: this.role.type, cwd, ...(workflowId !== undefined && { workflowId }), ...asked },
      options,
    )
  }

  /** The result of an action, or null while it is under way. */
  checkActionResult(actionId: string): Promise<ActionResult | null> {
    return this.#parts.agent.checkActionResult(actionId)
  }

  /**
   * Works until the plan ends, or an unexpected outcome stops it.
   *
   * @throws {CentralPostError} when broker or hub stay away; outcomes of commands are in the report
   */
  async run(options: { readonly signal?: AbortSignal } = {}): Promise<RunReport> {
    const steps: StepDone[] = []
    const { planner, task } = this.#parts
    let previous: Observation['previous'] = null
    for (let step = 0; ; step += 1) {
      const position = positionOf(step, planner.length)
      const phase = phaseAt(this.role, position)
      const planned = await planner.next({ task, step, phase, previous })
      // at the end of the plan, postponed steps run in any case
      const acting = planned === null ? { ...phase, looksOnly: false } : phase
      for (const next of this.#takeDue(acting, planned)) {
        const done = await this.#do(next, position, acting, options.signal)
        if (done === 'put off') {
          this.#putOff.push(next)
          continue
        }
        steps.push(done)
        this.#parts.onStep?.(done)
        previous = { planned: next, result: done.result }
        if (!done.isAsPlanned && next.onUnexpected === 'stop') return this.#report(steps)
      }
      if (planned === null) return this.#report(steps)
    }
  }

  /** Adapts a step to this role before its request. The base class changes nothing. */
  protected prepare(step: PlannedStep): Promise<PlannedStep> {
    return Promise.resolve(step)
  }

  /** The state of the hub's machine from a step's directory. */
  protected systemState(step: PlannedStep): ReturnType<Agent['getSystemState']> {
    return this.#parts.agent.getSystemState(step.cwd ?? this.#parts.cwd)
  }

  /** Postponed steps come before new ones, once the phase allows them. */
  #takeDue(phase: Phase, planned: PlannedStep | null): PlannedStep[] {
    const putOff = phase.looksOnly ? [] : this.#putOff.splice(0)
    return planned === null ? putOff : [...putOff, planned]
  }

  async #do(
    planned: PlannedStep,
    position: number,
    phase: Phase,
    signal: AbortSignal | undefined,
  ): Promise<StepDone | 'put off'> {
    const step = await this.prepare(planned)
    const about = { planned: step, position, phase: phase.name }
    if (phase.looksOnly || step.onlyIf !== undefined) {
      const level = await this.#levelOf(step)
      if (step.onlyIf !== undefined && level !== step.onlyIf) {
        const note = `not requested: judged ${level}, and the plan wants it only as ${step.onlyIf}`
        return { ...about, result: null, isAsPlanned: false, note }
      }
      if (phase.looksOnly && level === 'REVIEW') {
        this.#log.info('put off: needs approval, and this phase only looks', {
          phase: phase.name,
        })
        return 'put off'
      }
    }
    const wait = signal ? { signal } : {}
    const action = await this.requestAction({ ...step, position }, wait)
    const result = await action.result(wait)
    const { expect = ['completed'] } = step
    return { ...about, result, isAsPlanned: expect.includes(result.status) }
  }

  async #levelOf(step: PlannedStep): Promise<string> {
    const command = step.argv ?? step.command ?? ''
    return (await this.#parts.agent.classify(command, step.cwd ?? this.#parts.cwd)).level
  }

  #report(steps: readonly StepDone[]): RunReport {
    const asPlanned = steps.every((done) => done.isAsPlanned)
    return { agentType: this.role.type, steps, asPlanned }
  }
}

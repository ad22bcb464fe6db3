import {
  type AlwaysDecision,
  alwaysDecisions,
  type AlwaysScope,
  alwaysScopes,
  type decisionReplySchema,
  visible,
} from '@centralpost/shared'
import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { Operator } from '../operator/operator.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { seconds } from './option-values.ts'
import { describePending } from './describe-pending.ts'
import { print, printJson } from '../terminal/terminal.ts'

interface ApproveOptions extends OperatorOptions {
  readonly agent?: string
  readonly digest?: string
  readonly same?: boolean
  readonly comment?: string
  readonly decision: 'approve_once' | AlwaysDecision
  readonly scope?: AlwaysScope
  readonly expiresIn?: number
}
interface DenyOptions extends OperatorOptions {
  readonly agent?: string
  readonly reason: string
  readonly suggestion?: string
}
interface CancelOptions extends OperatorOptions {
  readonly agent?: string
  readonly reason?: string
}

/** Adds `approve`, `deny` and `cancel`. */
export function addDecideCommands(program: Command): void {
  const approve = forAction(program, 'approve', 'approve a waiting action')
    .option('--digest <digest>', 'approve only this digest (centralpost pending ID shows it)')
    .option('--same', 'also every identical waiting action (default: only this one)')
    .option('--comment <text>', 'recorded in the history')
    .addOption(
      new Option(
        '--decision <decision>',
        'always: also make the rule that `pending ID` shows for it',
      )
        .choices(['approve_once', ...alwaysDecisions])
        .default('approve_once'),
    )
    .addOption(new Option('--scope <scope>', 'scope of the always rule').choices(alwaysScopes))
    .option('--expires-in <seconds>', 'lifetime of the always rule', seconds)
  withOperatorOptions(approve).action((actionId: string, options: ApproveOptions) =>
    withOperator(options, (operator) => approveShown(operator, actionId, options)),
  )
  const deny = forAction(program, 'deny', 'deny a waiting action')
    .requiredOption('--reason <text>', 'reason, sent to the agent')
    .option('--suggestion <text>', 'an alternative for the agent')
  withOperatorOptions(deny).action((actionId: string, options: DenyOptions) =>
    withOperator(options, async (operator) => {
      const decided = await operator.deny(actionId, options.reason, {
        ...agentOf(options),
        ...(options.suggestion !== undefined && { suggestion: options.suggestion }),
      })
      if (options.json) printJson(decided)
      else {
        print(`denied ${actionId} of ${decided.agent_id}`)
        for (const line of toldOfSame(decided)) print(line)
      }
    }),
  )
  const cancel = forAction(program, 'cancel', 'cancel an action, waiting or running').option(
    '--reason <text>',
    'reason, sent to the agent',
  )
  withOperatorOptions(cancel).action((actionId: string, options: CancelOptions) =>
    withOperator(options, async (operator) => {
      const answer = await operator.cancel(actionId, {
        ...agentOf(options),
        ...(options.reason !== undefined && { reason: options.reason }),
      })
      if (options.json) printJson(answer)
      else print(answer.state === 'running' ? `cancelling ${actionId}` : `cancelled ${actionId}`)
    }),
  )
}

function forAction(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('<id>', 'the action id')
    .option('--agent <agent>', 'whose action, where two agents used the same id')
}

/** Shows the action, and approves exactly what was shown. */
async function approveShown(
  operator: Operator,
  actionId: string,
  options: ApproveOptions,
): Promise<void> {
  const asked = (await operator.pending(agentOf(options))).find(
    (candidate) => candidate.action_id === actionId,
  )
  if (asked && !options.json) for (const line of describePending(asked)) print(line)
  const digest = options.digest ?? asked?.digest
  const decided = await operator.approve(actionId, {
    ...agentOf(options),
    ...(digest !== undefined && { digest }),
    ...(options.same !== undefined && { same: options.same }),
    ...(options.comment !== undefined && { comment: options.comment }),
    decision: options.decision,
    ...(options.scope !== undefined && { scope: options.scope }),
    ...(options.expiresIn !== undefined && { expiresInSeconds: options.expiresIn }),
  })
  if (options.json) {
    printJson(decided)
    return
  }
  const { approvals = [], approvals_needed: needed = 1 } = decided
  print(
    decided.state === 'pending'
      ? `approved ${visible(actionId)} of ${decided.agent_id}: ${approvals.length} of ` +
          `${needed} approvals; still waiting`
      : `approved ${visible(actionId)} of ${decided.agent_id}`,
  )
  for (const line of toldOfSame(decided)) print(line)
  if (decided.rule_id !== undefined) print(`made the always rule ${decided.rule_id}`)
}

/**
 * Describes the identical waiting actions: those decided with this one, and those still waiting.
 */
function toldOfSame({
  same_decided: decided = [],
  same_pending: waiting = 0,
}: z.infer<typeof decisionReplySchema>): string[] {
  return [
    ...(decided.length > 0 ? [`and ${identical(decided.length)}`] : []),
    ...(waiting > 0
      ? [`${identical(waiting)} still ${waiting === 1 ? 'waits' : 'wait'}; --same decides them all`]
      : []),
  ]
}

const identical = (count: number): string =>
  `${count} more identical ${count === 1 ? 'one' : 'ones'}`

const agentOf = (options: { readonly agent?: string }): { agentId?: string } =>
  options.agent === undefined ? {} : { agentId: options.agent }

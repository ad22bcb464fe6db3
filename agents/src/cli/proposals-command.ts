import { createInterface } from 'node:readline/promises'
import {
  CentralPostError,
  type Proposal,
  visibleCommand,
  visible,
  exitCodes,
} from '@centralpost/shared'
import type { Command } from 'commander'
import type { Operator } from '../operator/operator.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { moment } from './history-filters.ts'
import { count, seconds, several } from './option-values.ts'
import { duration, print, printJson, say, styled, table, timeOf } from '../terminal/terminal.ts'

interface Options extends OperatorOptions {
  readonly least: number
  readonly since?: string
}

interface ListOptions extends Options {
  readonly limit: number
}

interface AcceptOptions extends Options {
  readonly agent?: string
  readonly comment?: string
  readonly expiresIn?: number
  readonly yes?: boolean
}

/** Adds `proposals`: lists proposed always rules, and lets an operator accept one. */
export function addProposalsCommand(program: Command): void {
  const proposals = withWhich(
    program
      .command('proposals')
      .description('always rules proposed from repeated approvals; listing makes none')
      .option('--limit <count>', 'how many', count, 20),
  )
  proposals.action((options: ListOptions) =>
    withOperator(options, (operator) => list(operator, options)),
  )
  withWhich(
    proposals
      .command('accept')
      .description('make a proposed rule, after showing it and its approvals')
      .argument('<id>', 'the action that `proposals` shows with it')
      .option('--agent <agent>', 'whose action, where two agents used the same id')
      .option('--expires-in <seconds>', 'lifetime of the rule', seconds)
      .option('--comment <text>', 'recorded in the history')
      .option('--yes', 'do not ask for confirmation'),
  ).action((actionId: string, options: AcceptOptions) => {
    refuseUnasked(options)
    return withOperator(options, (operator) => accept(operator, actionId, options))
  })
}

function withWhich(command: Command): Command {
  return withOperatorOptions(
    command
      .option('--least <count>', 'minimum number of approvals by persons', several, 3)
      .option('--since <time>', 'count approvals since then (default: 30 days ago)', moment),
  )
}

async function list(operator: Operator, options: ListOptions): Promise<void> {
  const proposals = await operator.proposals({ ...whichOf(options), limit: options.limit })
  if (options.json) {
    printJson(proposals)
    return
  }
  if (proposals.length === 0) {
    print('no command was approved often enough to propose a rule, or rules exist already')
    return
  }
  for (const proposal of proposals) {
    const [newest] = proposal.support
    for (const line of describe(proposal)) print(line)
    print(`  accept it      centralpost proposals accept ${visible(newest?.action_id ?? '')}`)
  }
}

/** Shows one proposal and its approvals, and makes exactly that rule once the operator confirms. */
async function accept(operator: Operator, actionId: string, options: AcceptOptions): Promise<void> {
  const proposal = meant(await operator.proposals({ ...whichOf(options), limit: 100 }), {
    actionId,
    agentId: options.agent,
  })
  if (!options.json) {
    for (const line of describe(proposal)) print(line)
    print('approvals behind it, newest first:')
    for (const line of supportOf(proposal)) print(line)
  }
  if (
    !options.yes &&
    !(await saysYes('Make this rule? Commands that it covers then run without approval. [yes/no]'))
  ) {
    say('centralpost: no rule was made')
    process.exitCode = exitCodes.stopped
    return
  }
  const rule = await operator.acceptProposal(proposal, {
    ...whichOf(options),
    ...(options.comment !== undefined && { comment: options.comment }),
    ...(options.expiresIn !== undefined && { expiresInSeconds: options.expiresIn }),
  })
  if (options.json) printJson(rule)
  else {
    print(`made the always rule ${rule.rule_id}, until ${rule.expires_at}`)
    print(`to revoke it: centralpost rules revoke ${rule.rule_id}`)
  }
}

const whichOf = ({ least, since }: Options): { least: number; since?: string } => ({
  least,
  ...(since !== undefined && { since }),
})

/** Without a terminal there is no way to show the rule and ask. */
function refuseUnasked({ yes, json }: AcceptOptions): void {
  if (yes || (process.stdin.isTTY && process.stdout.isTTY && !json)) return
  throw new CentralPostError(
    'invalid_request',
    'a rule must be read and confirmed: run this on a terminal and without --json, or add ' +
      '--yes',
  )
}

function meant(
  proposals: readonly Proposal[],
  { actionId, agentId }: { readonly actionId: string; readonly agentId: string | undefined },
): Proposal {
  const found = proposals.filter(
    ({ agent_id: agent, support }) =>
      (agentId === undefined || agent === agentId) &&
      support.some((one) => one.action_id === actionId),
  )
  const [only] = found
  if (only === undefined) {
    throw new CentralPostError(
      'not_found',
      `no rule is proposed for "${visible(actionId)}"; centralpost proposals lists the ` +
        'proposals',
    )
  }
  if (found.length === 1) return only
  const agents = found.map(({ agent_id: agent }) => agent).join(', ')
  throw new CentralPostError(
    'conflict',
    `several agents have an action "${visible(actionId)}" (${agents}): name one with --agent`,
  )
}

function describe(proposal: Proposal): string[] {
  const { approvals, successful, failed, avg_wait: wait } = proposal
  const waited = wait === null ? '' : `, after ${duration(wait)} on average`
  return [
    styled('bold', visibleCommand(proposal.command)),
    `would allow    ${visible(proposal.rule ?? '')}`,
    `  by             ${proposal.decision}`,
    `  approved       ${approvals} times by ${visible(proposal.approved_by.join(', '))}${waited}; never denied`,
    `outcomes       ${successful} succeeded, ${failed} did not`,
  ]
}

function supportOf({ support }: Proposal): string[] {
  const rows = support.map((one) => [
    timeOf(one.requested_at),
    visible(one.action_id),
    visible(one.approved_by),
    one.status,
    visibleCommand(one.command),
  ])
  return table(['ASKED AT', 'ACTION', 'APPROVED BY', 'STATUS', 'COMMAND'], rows)
}

/** Asks on stderr; end of input means no. */
async function saysYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new Promise<string>((resolve) => {
    lines.once('close', () => resolve(''))
  })
  try {
    const answer = await Promise.race([lines.question(question).catch(() => ''), ended])
    return answer.trim() === 'yes'
  } finally {
    lines.close()
  }
}

import { type ApprovalNeeded, CentralPostError } from '@centralpost/shared'
import type { Command } from 'commander'
import { pause } from '../deadline.ts'
import type { Operator } from '../operator/operator.ts'
import { visible, visibleCommand } from '../visible.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { untilStopped } from './stop-signal.ts'
import { duration, print, printJson, styled, table } from './terminal.ts'

interface Options extends OperatorOptions {
  readonly agent?: string
  readonly workflow?: string
  readonly watch?: boolean
}

const watchMs = 1_000

export function addPendingCommand(program: Command): void {
  const command = program
    .command('pending')
    .description('list what waits for a person, or show one action in full')
    .argument('[id]', 'an action id')
    .option('--agent <agent>', 'only of this agent')
    .option('--workflow <id>', 'only of this workflow')
    .option('--watch', 'list again whenever something changes')
  withOperatorOptions(command).action((actionId: string | undefined, options: Options) =>
    withOperator(options, async (operator) => {
      if (options.watch) await untilStopped((signal) => watch(operator, options, signal))
      else if (actionId === undefined) show(await listed(operator, options), options)
      else showOne(await listed(operator, options), actionId, options)
    }),
  )
}

function listed(operator: Operator, options: Options): Promise<readonly ApprovalNeeded[]> {
  return operator.pending({
    ...(options.agent !== undefined && { agentId: options.agent }),
    ...(options.workflow !== undefined && { workflowId: options.workflow }),
  })
}

async function watch(operator: Operator, options: Options, signal: AbortSignal): Promise<void> {
  let shown: string | undefined
  while (!signal.aborted) {
    const pending = await listed(operator, options)
    const ids = pending.map((asked) => asked.action_id).join()
    if (ids !== shown) show(pending, options)
    shown = ids
    await pause(watchMs, signal).catch(() => {})
  }
}

function show(pending: readonly ApprovalNeeded[], options: Options): void {
  if (options.json) {
    printJson(pending)
    return
  }
  if (pending.length === 0) {
    print('nothing waits for approval')
    return
  }
  const rows = pending.map((asked) => [
    asked.action_id,
    asked.agent_id,
    asked.risk.level,
    left(asked),
    visibleCommand(asked.command),
  ])
  for (const line of table(['ACTION', 'AGENT', 'RISK', 'EXPIRES IN', 'COMMAND'], rows)) print(line)
}

function showOne(
  pending: readonly ApprovalNeeded[],
  actionId: string,
  options: OperatorOptions,
): void {
  const asked = pending.find((candidate) => candidate.action_id === actionId)
  if (!asked) {
    throw new CentralPostError(
      'not_found',
      `no action "${visible(actionId)}" waits for approval; it may have ended: centralpost result ${visible(actionId)}`,
    )
  }
  if (options.json) printJson(asked)
  else for (const line of describe(asked)) print(line)
}

/** All that an approver should read before deciding. */
export function describe(asked: ApprovalNeeded): string[] {
  const env = Object.entries(asked.env).map(([name, value]) => visible(`${name}=${value}`))
  const risk = asked.risk.parts.map((part) => `${part.name} +${part.points}`).join(', ')
  const fields: [string, string][] = [
    ['action', asked.action_id],
    ['agent', asked.agent_id],
    ['command', styled('bold', visibleCommand(asked.command))],
    ['runs in', visible(asked.cwd)],
    ['with', env.join(' ')],
    ['for at most', duration(asked.timeout)],
    ['sandbox', visible(asked.sandbox ?? '')],
    ['asked because', visible(asked.context ?? '')],
    ['trust', asked.trust_level],
    ['risk', `${asked.risk.level} (${asked.risk.score}${risk && `: ${risk}`})`],
    ...asked.verdict.reasons.map((reason): [string, string] => ['needs review', visible(reason)]),
    ...partsOf(asked),
    ...Object.entries(asked.bound)
      .filter(([name]) => name !== 'sandbox')
      .map(([name, value]): [string, string] => [
        'binds',
        visible(`${name} ${value.length > 40 ? `${value.slice(0, 12)}…` : value}`),
      ]),
    ...asked.always.map(({ decision, rule, refused }): [string, string] => [
      'or always',
      rule === null
        ? `${decision}: not offered: ${visible(refused ?? '')}`
        : `--decision ${decision} would allow ${visible(rule)}`,
    ]),
    [
      'approved by',
      asked.approvals_needed > 1
        ? `${asked.approvals.join(', ') || 'nobody yet'} (${asked.approvals_needed} must)`
        : '',
    ],
    ['expires in', left(asked)],
    ['digest', asked.digest],
  ]
  return fields
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name.padEnd(14)} ${value}`)
}

/** Each part of a compound with its own verdict, so that what is new stands out from what would run anyway. */
function partsOf(asked: ApprovalNeeded): [string, string][] {
  const { units } = asked.verdict
  return units.length < 2
    ? []
    : units.map((unit) => [
        'part',
        `${unit.level.padEnd(7)} ${visibleCommand(unit.text)}: ${visible(unit.reason)}`,
      ])
}

const left = (asked: ApprovalNeeded): string =>
  duration(Math.max(0, (Date.parse(asked.expires_at) - Date.now()) / 1000))

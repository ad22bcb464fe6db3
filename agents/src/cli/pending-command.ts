import { type ApprovalNeeded, CentralPostError, visibleCommand, visible } from '@centralpost/shared'
import type { Command } from 'commander'
import type { NoticeSink } from '../notify/notice.ts'
import { handOn } from '../notify/notifier.ts'
import type { Operator } from '../operator/operator.ts'
import { type PendingFilter, PendingWatch } from '../operator/pending-watch.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { describePending, secondsLeft } from './describe-pending.ts'
import { stopped, untilStopped } from '../terminal/stop-signal.ts'
import { duration, print, printJson, say, table } from '../terminal/terminal.ts'

interface Options extends OperatorOptions {
  readonly agent?: string
  readonly workflow?: string
  readonly watch?: boolean
  readonly notify?: boolean
}

const togetherMs = 50

const details = `
With --watch on a terminal, you decide there: j/k move, a approve, A always (shows the rule first), d deny
with a reason, enter everything, ? help, q quit. Into a pipe, the list is printed again whenever it changes.`

export function addPendingCommand(program: Command): void {
  const command = program
    .command('pending')
    .description('list actions waiting for approval, or show one in full')
    .argument('[id]', 'an action id')
    .option('--agent <agent>', 'only of this agent')
    .option('--workflow <id>', 'only of this workflow')
    .option('--watch', 'keep watching, and decide with single keys')
    .option('--notify', 'with --watch: also show arrivals as desktop notifications')
    .addHelpText('after', details)
  withOperatorOptions(command).action((actionId: string | undefined, options: Options) => {
    refuseOddPairs(actionId, options)
    return withOperator(options, async (operator) => {
      if (options.watch) await untilStopped((signal) => watch(operator, options, signal))
      else if (actionId === undefined) show(await operator.pending(filterOf(options)), options)
      else showOne(await operator.pending(filterOf(options)), actionId, options)
    })
  })
}

function refuseOddPairs(actionId: string | undefined, options: Options): void {
  if (options.watch && actionId !== undefined) {
    throw new CentralPostError(
      'invalid_request',
      `--watch watches all waiting actions; leave out "${visible(actionId)}" or --watch`,
    )
  }
  if (options.notify && !options.watch) {
    throw new CentralPostError(
      'invalid_request',
      '--notify needs --watch; to notify without a terminal: centralpost notify --desktop',
    )
  }
}

const filterOf = (options: Options): PendingFilter => ({
  ...(options.agent !== undefined && { agentId: options.agent }),
  ...(options.workflow !== undefined && { workflowId: options.workflow }),
})

async function watch(operator: Operator, options: Options, signal: AbortSignal): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const sinks: NoticeSink[] = []
  if (options.notify) {
    const { DesktopNotifier } = await import('../notify/desktop.ts')
    // a failed notification does no harm: the action is on the screen anyway
    sinks.push(opened.use(new DesktopNotifier({ told: () => {} })))
  }
  if (process.stdin.isTTY && process.stdout.isTTY && !options.json) {
    const { runPendingScreen } = await import('./pending-screen/run.ts')
    await runPendingScreen(operator, filterOf(options), signal, (change) => handOn(change, sinks))
    return
  }
  let listing: NodeJS.Timeout | undefined
  let pending: readonly ApprovalNeeded[] = []
  // many changes at the same moment print one list
  const list = (): void => {
    listing ??= setTimeout(() => {
      listing = undefined
      show(pending, options)
    }, togetherMs)
  }
  const watching = await PendingWatch.open(operator, filterOf(options), (change, all) => {
    pending = all
    handOn(change, sinks)
    if (change.kind === 'lost') say('centralpost: broker or hub is away; retrying')
    else if (change.kind === 'back') say('centralpost: the hub answers again')
    else list()
  })
  opened.use(watching)
  list()
  await stopped(signal)
  clearTimeout(listing)
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
    duration(secondsLeft(asked)),
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
      `no action "${visible(actionId)}" waits for approval; it may have ended: centralpost ` +
        `result ${visible(actionId)}`,
    )
  }
  if (options.json) printJson(asked)
  else for (const line of describePending(asked)) print(line)
}

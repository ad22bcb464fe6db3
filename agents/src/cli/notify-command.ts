import { CentralPostError, visible } from '@centralpost/shared'
import { type Command, Option } from 'commander'
import type { NoticeDelivery, NoticeSink } from '../notify/notice.ts'
import type { PendingChange, PendingFilter } from '../operator/pending-watch.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { stopped, untilStopped } from '../terminal/stop-signal.ts'
import { print, printJson, say } from '../terminal/terminal.ts'

interface Options extends OperatorOptions {
  readonly webhook?: string
  readonly secretEnv: string
  readonly desktop?: boolean
  readonly agent?: string
  readonly workflow?: string
}

const details = `
Posts JSON to a webhook for every action that waits for approval, with retries; a decision that comes first
ends the retries. X-CentralPost-Signature: t=SECONDS,v1=HEX is the HMAC-SHA256 of
"SECONDS.BODY" with the secret; X-CentralPost-Delivery is the same for every attempt. Redirects are not followed.`

/** Adds `notify`. */
export function addNotifyCommand(program: Command): void {
  const command = program
    .command('notify')
    .description('notify a webhook or this desktop of waiting actions, until you stop it')
    .addOption(new Option('--webhook <url>', 'the URL to post to').env('CENTRALPOST_WEBHOOK'))
    .option(
      '--secret-env <name>',
      'the environment variable with the signing key',
      'CENTRALPOST_WEBHOOK_SECRET',
    )
    .option('--desktop', 'show notifications with notify-send or osascript')
    .option('--agent <agent>', 'only of this agent')
    .option('--workflow <id>', 'only of this workflow')
    .addHelpText('after', details)
  withOperatorOptions(command).action(notify)
}

async function notify(options: Options): Promise<void> {
  const { webhook, desktop } = options
  if (webhook === undefined && !desktop) {
    throw new CentralPostError(
      'invalid_request',
      'name a destination: --webhook URL, --desktop, or both',
    )
  }
  await using opened = new AsyncDisposableStack()
  const told = (delivery: NoticeDelivery): void => tell(delivery, options)
  const sinks: NoticeSink[] = []
  if (webhook !== undefined) {
    const { Webhook } = await import('../notify/webhook.ts')
    const secret = process.env[options.secretEnv] || undefined
    if (secret === undefined) {
      say(`centralpost: ${options.secretEnv} is not set: posts are not signed`)
    }
    sinks.push(opened.use(new Webhook({ url: webhook, secret, told })))
  }
  if (desktop) {
    const { DesktopNotifier } = await import('../notify/desktop.ts')
    sinks.push(opened.use(new DesktopNotifier({ told })))
  }
  const { notifyOf } = await import('../notify/notifier.ts')
  const filter: PendingFilter = {
    ...(options.agent !== undefined && { agentId: options.agent }),
    ...(options.workflow !== undefined && { workflowId: options.workflow }),
  }
  await withOperator(options, (operator) =>
    untilStopped(async (signal) => {
      await using _ = await notifyOf(operator, filter, sinks, sayConnection)
      say(`centralpost: watching at ${operator.server}`)
      await stopped(signal)
    }),
  )
}

function tell(delivery: NoticeDelivery, options: Options): void {
  const { to, actionId, agentId, isDelivered, attempts, problem } = delivery
  if (options.json) {
    printJson({
      to,
      action_id: actionId,
      agent_id: agentId,
      delivered: isDelivered,
      attempts,
      problem,
    })
    return
  }
  const what = `${to}: ${visible(actionId)} of ${visible(agentId)}`
  const tries = attempts > 1 ? ` at attempt ${attempts}` : ''
  if (isDelivered) print(`${what} told${tries}`)
  else say(`centralpost: ${what} not notified: ${visible(problem ?? '')}`)
}

function sayConnection({ kind }: PendingChange): void {
  if (kind === 'lost') say('centralpost: broker or hub is away; retrying')
  else if (kind === 'back') say('centralpost: the hub answers again')
}

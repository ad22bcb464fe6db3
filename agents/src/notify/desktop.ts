import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type ApprovalNeeded, CentralPostError, messageOf } from '@centralpost/shared'
import { pendingKeyOf } from '../operator/pending-watch.ts'
import { type NoticeDelivery, noticeOf, type NoticeSink } from './notice.ts'

export interface DesktopOptions {
  readonly told: (delivery: NoticeDelivery) => void
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv
  /** @default process.platform */
  readonly platform?: NodeJS.Platform
}

const showMs = 5_000
/** More notifications than this at the same moment become one. */
const mostAtOnce = 3
const gatherMs = 200

const appleScript = [
  'on run argv',
  'display notification (item 2 of argv) with title "CentralPost" subtitle (item 1 of argv)',
  'end run',
]

interface Notifier {
  readonly program: string
  readonly args: (title: string, body: string, isUrgent: boolean) => string[]
}

/** Shows approval requests on this desktop, with notify-send or osascript. */
export class DesktopNotifier implements NoticeSink {
  readonly #notifier: Notifier
  readonly #options: DesktopOptions
  readonly #gathered = new Map<string, ApprovalNeeded>()
  #timer: NodeJS.Timeout | undefined
  #showing: Promise<unknown> = Promise.resolve()

  /** @throws {CentralPostError} `not_found` without a program that shows notifications */
  constructor(options: DesktopOptions) {
    this.#options = options
    this.#notifier = findNotifier(options.env ?? process.env, options.platform ?? process.platform)
  }

  push(asked: ApprovalNeeded): void {
    this.#gathered.set(pendingKeyOf(asked), asked)
    this.#timer ??= setTimeout(() => this.#show(), gatherMs)
  }

  drop(asked: ApprovalNeeded): void {
    this.#gathered.delete(pendingKeyOf(asked))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer)
    await this.#showing
  }

  #show(): void {
    this.#timer = undefined
    const all = [...this.#gathered.values()]
    this.#gathered.clear()
    const single = all.length > mostAtOnce ? [] : all
    const shown = single.map((asked) => {
      const { title, body } = noticeOf(asked)
      return this.#run(title, body, asked.risk.level === 'high', [asked])
    })
    if (all.length > mostAtOnce) {
      shown.push(
        this.#run(
          `${all.length} actions wait for approval`,
          'centralpost pending --watch',
          all.some(({ risk }) => risk.level === 'high'),
          all,
        ),
      )
    }
    this.#showing = Promise.allSettled([this.#showing, ...shown])
  }

  async #run(
    title: string,
    body: string,
    isUrgent: boolean,
    about: readonly ApprovalNeeded[],
  ): Promise<void> {
    const { program, args } = this.#notifier
    const { promise, resolve } = Promise.withResolvers<string | null>()
    execFile(
      program,
      args(title, body, isUrgent),
      { timeout: showMs, env: this.#options.env ?? process.env },
      (error) => resolve(error === null ? null : (messageOf(error).split('\n')[0] ?? 'failed')),
    )
    const problem = await promise
    for (const { action_id: actionId, agent_id: agentId } of about) {
      const isDelivered = problem === null
      this.#options.told({ to: 'desktop', actionId, agentId, isDelivered, attempts: 1, problem })
    }
  }
}

function findNotifier(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): Notifier {
  if (platform === 'darwin') {
    const script = appleScript.flatMap((line) => ['-e', line])
    // a title that begins with a dash must not become an option
    return { program: 'osascript', args: (title, body) => [...script, '--', title, body] }
  }
  const program = findOnPath('notify-send', env['PATH'] ?? '')
  if (program === null) {
    throw new CentralPostError(
      'not_found',
      'desktop: notify-send is not on PATH; install it (Debian: apt-get install libnotify-bin)',
    )
  }
  return {
    program,
    args: (title, body, isUrgent) => [
      '--app-name=CentralPost',
      `--urgency=${isUrgent ? 'critical' : 'normal'}`,
      '--',
      title,
      escapedMarkup(body),
    ],
  }
}

function findOnPath(name: string, path: string): string | null {
  for (const folder of path.split(delimiter).filter((part) => part !== '')) {
    const candidate = join(folder, name)
    try {
      accessSync(candidate, constants.X_OK)
      if (statSync(candidate).isFile()) return candidate
    } catch {
      // a neutral working directory
    }
  }
  return null
}

/** Notification servers interpret a few tags in a body; a command's text must not contain any. */
function escapedMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

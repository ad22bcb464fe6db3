import type { Dice } from './dice.ts'
import { type RequestClass, requestClasses } from './evidence.ts'

const weights: Readonly<Record<RequestClass, number>> = {
  safe: 22,
  'safe-slow': 8,
  approved: 24,
  'approved-slow': 8,
  forking: 6,
  'cancelled-waiting': 6,
  'cancelled-running': 6,
  denied: 6,
  expiring: 5,
  blocked: 4,
  malformed: 5,
}

export function drawClass(dice: Dice): RequestClass {
  const all = requestClasses.reduce((sum, one) => sum + weights[one], 0)
  let drawn = dice.next() * all
  for (const one of requestClasses) {
    drawn -= weights[one]
    if (drawn < 0) return one
  }
  return 'safe'
}

/** An id says what is to become of its action, so that operators know it. */
export const idOfClass = (which: RequestClass, agent: string, n: number): string =>
  `${which}_${agent}_${n}`

export const classOfId = (actionId: string): RequestClass | undefined =>
  requestClasses.find((one) => one === actionId.split('_')[0])

/** A command that leaves a mark when it starts, and, where it lasts, again and again: in a file of its own, as approvals bind files. */
export function commandOf(which: RequestClass, actionId: string): string {
  const mark = (kind: 'start' | 'tick'): string =>
    `echo ${actionId} ${kind} $(date +%s%3N) >> marks/${actionId}`
  const ticks = (times: number): string =>
    `for n in $(seq ${times}); do ${mark('tick')}; sleep 0.1; done`
  switch (which) {
    case 'safe':
    case 'malformed':
      return `echo ${actionId}`
    case 'safe-slow':
      return `echo ${actionId}; sleep 0.5`
    case 'approved-slow':
      return `${mark('start')}; ${ticks(6)}`
    case 'cancelled-running':
      return `${mark('start')}; ${ticks(80)}`
    case 'forking':
      // what it leaves behind must end with it
      return `${mark('start')}; (setsid bash -c '${ticks(600)}' &); sleep 0.3`
    case 'blocked':
      return `mkfs.ext4 /nonexistent/canary; ${mark('start')}`
    case 'approved':
    case 'cancelled-waiting':
    case 'denied':
    case 'expiring':
      return mark('start')
  }
}

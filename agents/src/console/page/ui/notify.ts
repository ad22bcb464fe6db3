import { effect, signal } from '@preact/signals'
import { visible } from '@centralpost/shared/visible'
import { onArrived, onRuleChanged } from '../feed.ts'
import { go, route, type ViewName } from '../route.ts'
import { me, pending } from '../store.ts'
import { plural } from '../text/format.ts'
import { notifies, sounds } from './settings.ts'
import { toast } from './toasts.tsx'

/** The announcement of arrivals for screen readers. */
export const announcement = signal('')

const titles: Readonly<Record<ViewName, string>> = {
  approvals: 'Approvals',
  terminal: 'Terminal',
  history: 'History',
  insights: 'Insights',
  rules: 'Rules',
  system: 'System',
}

/** Keeps the title current, and announces arrivals as the settings say. */
export function watchForNews(): void {
  effect(() => {
    const count = pending.value.size
    document.title = `${count > 0 ? `(${count}) ` : ''}${titles[route.value.view]} · CentralPost`
  })
  onArrived((keys) => {
    const asked = pending.value.get(keys[0] ?? '')
    if (!asked) return
    const what = `${asked.agent_id} asks: ${visible(asked.command).slice(0, 200)}`
    const more = keys.length > 1 ? ` and ${keys.length - 1} more` : ''
    announcement.value = `${what}${more}. Risk ${asked.risk.level}. ${plural(pending.value.size, 'request')} waiting.`
    if (notifies.value) notify(what + more, asked)
    if (sounds.value) chime()
  })
  onRuleChanged(({ change, description, created_by: maker, revoked_by: ender }) => {
    const by = change === 'made' ? maker : ender
    // this operator's own decisions are reported elsewhere on the page
    if (by === me.value?.operator) return
    toast(
      'note',
      `${by ?? 'Somebody'} ${change} a rule: ${visible(description).slice(0, 160)}`,
      'rules',
    )
  })
}

/** Turns notifications on, if the browser allows it. */
export async function allowNotifications(): Promise<boolean> {
  if (!('Notification' in window)) return false
  return (await Notification.requestPermission()) === 'granted'
}

function notify(body: string, asked: { agent_id: string; action_id: string }): void {
  if (!('Notification' in window) || Notification.permission !== 'granted' || document.hasFocus())
    return
  const notification = new Notification('CentralPost: waiting for you', {
    body,
    tag: 'centralpost',
    icon: '/login/icon.svg',
  })
  notification.addEventListener('click', () => {
    window.focus()
    go('approvals', asked)
    notification.close()
  })
}

/** Two short, soft tones. */
function chime(): void {
  const audio = new AudioContext()
  for (const [frequency, at] of [
    [660, 0],
    [880, 0.13],
  ] as const) {
    const tone = audio.createOscillator()
    const volume = audio.createGain()
    tone.frequency.value = frequency
    volume.gain.setValueAtTime(0.0001, audio.currentTime + at)
    volume.gain.exponentialRampToValueAtTime(0.08, audio.currentTime + at + 0.02)
    volume.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + at + 0.25)
    tone.connect(volume).connect(audio.destination)
    tone.start(audio.currentTime + at)
    tone.stop(audio.currentTime + at + 0.3)
  }
  setTimeout(() => void audio.close(), 1000)
}

import { signal } from '@preact/signals'

/**
 * The hub's time at a moment of the page's monotonic clock: the computer's own time does not count.
 */
let known: { readonly hubNow: number; readonly at: number } | null = null

/** Counts seconds; reading it redraws once a second. */
export const second = signal(0)
setInterval(() => {
  second.value += 1
}, 1000)

export function setHubTime(hubNow: number): void {
  known = { hubNow, at: performance.now() }
}

/** Milliseconds since 1970 by the hub's clock. */
export function hubTime(): number {
  return known === null ? Date.now() : known.hubNow + performance.now() - known.at
}

/** Seconds until a time, by the hub's clock; negative after it. Redraws its reader every second. */
export function secondsUntil(moment: string): number {
  void second.value
  return (Date.parse(moment) - hubTime()) / 1000
}

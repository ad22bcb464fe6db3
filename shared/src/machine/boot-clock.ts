import { readFileSync } from 'node:fs'

/**
 * Milliseconds on the machine's boot clock: the same for every process, not adjustable, and running
 * during suspend, unlike Node's monotonic clocks. Exact to 10 ms. Without /proc, the monotonic
 * clock is used instead.
 */
export function bootMs(): number {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1000
  } catch {
    return Number(process.hrtime.bigint() / 1_000_000n)
  }
}

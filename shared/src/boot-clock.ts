import { readFileSync } from 'node:fs'

/**
 * Milliseconds on the clock of the machine: the same for every process, set by nobody, and it goes on while the machine is
 * suspended, when Node's own monotonic clocks stand still. Exact to 10 ms. A system without /proc gives the monotonic
 * clock instead.
 */
export function bootMs(): number {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1000
  } catch {
    return Number(process.hrtime.bigint() / 1_000_000n)
  }
}

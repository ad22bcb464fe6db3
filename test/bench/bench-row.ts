/** One line of a benchmark's table; a goal's figure is a ratio of two rows of one run. */
export interface BenchRow {
  readonly benchmark: string
  readonly case: string
  readonly n: number
  readonly p50_ms: number
  readonly p95_ms: number
  readonly p99_ms: number
  readonly per_second: number
  readonly max_ms?: number
  readonly rss_mb?: number
}

/** As many digits as mean something, of milliseconds. */
export function inDigits(ms: number): number {
  return Number(ms.toPrecision(3))
}

/** A process, named for good. */
export interface Leader {
  readonly pid: number
  readonly startTicks: number
}

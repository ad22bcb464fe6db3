/** A process, identified beyond pid reuse. */
export interface Leader {
  readonly pid: number
  readonly startTicks: number
}

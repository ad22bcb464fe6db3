/** The SQLSTATE for a write after the hub's term; used by no other error. */
export const leaseOver = 'CP001'

/** A hub wrote after its term: another has taken over, or may. */
export class LeaseOver extends Error {
  readonly code = leaseOver

  constructor(message: string) {
    super(message)
    this.name = 'LeaseOver'
  }
}

/** Whether a write was refused because the hub's term is over. */
export function isLeaseOver(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && error.code === leaseOver
}

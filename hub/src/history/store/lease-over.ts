/** What a database says of a hub that writes after its turn: an SQLSTATE of nobody else's. */
export const leaseOver = 'CP001'

/** A hub wrote after its turn: another has taken over, or may. */
export class LeaseOver extends Error {
  readonly code = leaseOver

  constructor(message: string) {
    super(message)
    this.name = 'LeaseOver'
  }
}

/** Whether a write was refused because the hub's turn is over. */
export function isLeaseOver(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && error.code === leaseOver
}

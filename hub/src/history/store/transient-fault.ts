/**
 * Whether a fault of the database goes by itself or by somebody's help (locked, disk full, server restarting), and is
 * not a bug of ours.
 */
export function isPassingFault(error: unknown): boolean {
  if (!Error.isError(error)) return false
  const code = 'code' in error ? String(error.code) : ''
  // PostgreSQL: transaction rollback, resources
  return (
    /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY|NOMEM)/.test(code) ||
    /^(40|53)/.test(code) ||
    /timeout exceeded when trying to connect/i.test(error.message) ||
    isLostConnection(error)
  )
}

/** Whether the connection to PostgreSQL went with a statement: the server may have done it before its answer was lost. */
export function isLostConnection(error: unknown): boolean {
  if (!Error.isError(error)) return false
  const code = 'code' in error ? String(error.code) : ''
  // connection, operator intervention; and what the client itself says, without a code
  return (
    /^(08|57P0|25P03|ECONN|EPIPE|ETIMEDOUT)/.test(code) ||
    /connection terminated|connection error and is not queryable/i.test(error.message)
  )
}

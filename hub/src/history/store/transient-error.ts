/** Whether a database error is transient (locked, disk full, server restarting), and not a bug. */
export function isTransientError(error: unknown): boolean {
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

/**
 * Whether the connection to PostgreSQL was lost during a statement: the server may have executed
 * it.
 */
export function isLostConnection(error: unknown): boolean {
  if (!Error.isError(error)) return false
  const code = 'code' in error ? String(error.code) : ''
  // connection, operator intervention; and the client's own errors, which have no code
  return (
    /^(08|57P0|25P03|ECONN|EPIPE|ETIMEDOUT)/.test(code) ||
    /connection terminated|connection error and is not queryable/i.test(error.message)
  )
}

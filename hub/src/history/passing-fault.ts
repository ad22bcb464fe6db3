/**
 * Whether a fault of the database goes by itself or by somebody's help (locked, disk full, server restarting), and is
 * not a bug of ours.
 */
export function isPassingFault(error: unknown): boolean {
  if (!Error.isError(error)) return false
  const code = 'code' in error ? String(error.code) : ''
  // PostgreSQL: connection, transaction rollback, resources, operator intervention
  return (
    /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY|NOMEM)/.test(code) ||
    /^(08|40|53|57P0|ECONN|EPIPE|ETIMEDOUT)/.test(code) ||
    /connection terminated|timeout exceeded when trying to connect/i.test(error.message)
  )
}

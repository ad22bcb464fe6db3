/** Whether a process with this id exists, even another user's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return Error.isError(error) && 'code' in error && error.code === 'EPERM'
  }
}

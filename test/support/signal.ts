/** Sends a signal. @returns false: there is no such process any more */
export function signal(pid: number, what: NodeJS.Signals): boolean {
  try {
    process.kill(pid, what)
    return true
  } catch {
    return false
  }
}

import { readFile } from 'node:fs/promises'
import { execa } from 'execa'
import { isAlive } from '@centralpost/shared'

/**
 * A process's start time, in the system's notation: together with the pid it identifies one
 * process, even if the pid is reused. Undefined for a missing process or a zombie.
 */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined
  const stat = await readProc(pid, 'stat')
  if (stat !== undefined) {
    // The name in the second field may contain spaces and parentheses, so fields are counted from
    // its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  }
  const line = await ps(pid, 'stat=,lstart=')
  return line === undefined || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '')
}

/** The command line of a living process, words separated by spaces, or undefined. */
export async function commandLineOf(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined
  const words = await readProc(pid, 'cmdline')
  if (words !== undefined) return words === '' ? undefined : words.replaceAll('\0', ' ').trim()
  return ps(pid, 'args=')
}

async function readProc(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // No /proc on this system, or the process has just ended: `ps` tells which.
    return undefined
  }
}

async function ps(pid: number, columns: string): Promise<string | undefined> {
  try {
    const { stdout } = await execa('ps', ['-o', columns, '-p', String(pid)])
    return stdout.trim() || undefined
  } catch {
    // `ps` exits with 1 for an unknown pid.
    return undefined
  }
}

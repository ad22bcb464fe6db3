import type { ConfinedProfile } from './profiles.ts'

/** What the probe found of bubblewrap here, and what no confined command may see. Plain data: it may cross a pipe. */
export interface Sandbox {
  /** absolute path of bwrap */
  readonly bwrap: string
  /** whether bwrap has `--argv0` (0.9 and later) */
  readonly takesArgv0: boolean
  /**
   * Whether it needs a user namespace of its own. An ordinary user has no other way. Root goes without, because in one
   * every file of another owner would seem to be nobody's.
   */
  readonly userNamespace: boolean
  /** whether the system calls of a command can be filtered: see `systemCallFilter` */
  readonly filtersCalls: boolean
  /** whether bwrap has `--size` (0.8 and later), by which what is written in memory is bounded */
  readonly takesSize: boolean
  /** what helps to show something of the machine; null: nothing of it can be shown */
  readonly machine: MachineHelpers | null
  /** the profiles that really work here */
  readonly available: readonly ConfinedProfile[]
  /** real paths of the directories that commands may work in */
  readonly roots: readonly string[]
  /** home directories whose credentials are masked */
  readonly homes: readonly string[]
  /** absolute paths that are masked besides: the hub's data, its credentials */
  readonly hidden: readonly string[]
}

/** Programs of util-linux, by absolute path, which do what bubblewrap cannot. */
export interface MachineHelpers {
  /** by which no file of a workspace can be executed; null: it can, where the system allows no mounts outside of bubblewrap */
  readonly noExec: { readonly unshare: string; readonly mount: string } | null
  /**
   * By which a command is a user of its own among the machine's processes, whom the kernel lets touch none of them. Null
   * where the hub is no root: then a user namespace and the filter of system calls keep it from them.
   */
  readonly setpriv: string | null
}

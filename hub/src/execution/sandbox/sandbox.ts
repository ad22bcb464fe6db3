import type { ConfinedProfile } from './profiles.ts'

/**
 * The probe's findings on bubblewrap, and the paths hidden from confined commands. Plain data: may
 * be sent over a pipe.
 */
export interface Sandbox {
  /** absolute path of bwrap */
  readonly bwrap: string
  /** whether bwrap has `--argv0` (0.9 and later) */
  readonly takesArgv0: boolean
  /**
   * Whether it needs its own user namespace. Ordinary users have no other way. Root goes without,
   * because in one every file of another owner would appear to be nobody's.
   */
  readonly userNamespace: boolean
  /** whether system calls can be filtered: see `systemCallFilter` */
  readonly filtersCalls: boolean
  /** whether bwrap has `--size` (0.8 and later), which limits in-memory directories */
  readonly takesSize: boolean
  /** helpers for views of the machine; null: no view is available */
  readonly machine: MachineHelpers | null
  /** the profiles that work here */
  readonly available: readonly ConfinedProfile[]
  /** real paths of the directories that commands may work in */
  readonly roots: readonly string[]
  /** home directories whose credentials are masked */
  readonly homes: readonly string[]
  /** further masked absolute paths: the hub's data, its credentials */
  readonly hidden: readonly string[]
}

/** util-linux programs, by absolute path, for what bubblewrap cannot do. */
export interface MachineHelpers {
  /**
   * makes files of workspaces non-executable; null where the system allows no mounts outside
   * bubblewrap
   */
  readonly noExec: { readonly unshare: string; readonly mount: string } | null
  /**
   * Gives a command its own uid among the machine's processes, all of which it then cannot touch.
   * Null where the hub is not root: a user namespace and the system call filter protect them then.
   */
  readonly setpriv: string | null
}

/** How far a command is confined, as the settings name it, weakest first. `none`: not at all. */
export const profiles = ['none', 'rw-workspace-net', 'rw-workspace-nonet', 'ro-nonet'] as const

/**
 * The view of the machine that a command gets besides its files, always read-only, smallest first.
 */
export const machineViews = ['files', 'mounts', 'processes', 'network'] as const
export type MachineView = (typeof machineViews)[number]

export type Profile = (typeof profiles)[number] | `machine-${MachineView}`
export type ConfinedProfile = Exclude<Profile, 'none'>

/** The system calls left to a command: see `systemCallFilter`. */
export type CallFilter = 'wide' | 'quiet' | 'shared'

/**
 * The differences between profiles; everything else (namespaces, hidden places, privileges) is
 * common.
 */
export interface ProfileTraits {
  readonly workspaceWritable: boolean
  /** whether it has network access */
  readonly network: boolean
  /**
   * its view of the machine; null: only its own processes, mounts, interfaces and temporary files
   */
  readonly machine: MachineView | null
  readonly filter: CallFilter
}

const readOnly = { workspaceWritable: false, network: false } as const

export const profileTraits: Readonly<Record<ConfinedProfile, ProfileTraits>> = {
  'rw-workspace-net': { workspaceWritable: true, network: true, machine: null, filter: 'wide' },
  'rw-workspace-nonet': { workspaceWritable: true, network: false, machine: null, filter: 'wide' },
  'ro-nonet': { ...readOnly, machine: null, filter: 'quiet' },
  'machine-files': { ...readOnly, machine: 'files', filter: 'quiet' },
  'machine-mounts': { ...readOnly, machine: 'mounts', filter: 'quiet' },
  'machine-processes': { ...readOnly, machine: 'processes', filter: 'shared' },
  'machine-network': { ...readOnly, machine: 'network', filter: 'shared' },
}

export const confinedProfiles = Object.keys(profileTraits) as readonly ConfinedProfile[]

/** Common to all profiles. */
export function ofEachProfile<T>(value: T): Record<ConfinedProfile, T> {
  return Object.fromEntries(confinedProfiles.map((profile) => [profile, value])) as Record<
    ConfinedProfile,
    T
  >
}

/**
 * Whether a profile shows the machine's processes, so that the kernel does not end its processes
 * together.
 */
export function sharesProcesses({ machine }: ProfileTraits): boolean {
  return machine === 'processes' || machine === 'network'
}

/** How far a command is confined, as the settings may name it, weakest first. `none`: not at all. */
export const profiles = ['none', 'rw-workspace-net', 'rw-workspace-nonet', 'ro-nonet'] as const

/** What of the machine itself a command is shown besides its files, all of it read-only, least first. */
export const machineViews = ['files', 'mounts', 'processes', 'network'] as const
export type MachineView = (typeof machineViews)[number]

export type Profile = (typeof profiles)[number] | `machine-${MachineView}`
export type ConfinedProfile = Exclude<Profile, 'none'>

/** Which system calls are left to a command: see `systemCallFilter`. */
export type CallFilter = 'wide' | 'quiet' | 'shared'

/** What tells the profiles apart; the rest (namespaces, hidden places, privileges) is the same for all. */
export interface ProfileTraits {
  readonly workspaceWritable: boolean
  /** whether it connects to where it wants */
  readonly network: boolean
  /** what it is shown of the machine; null: its own processes, mounts, interfaces and temporary files only */
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

/** The same for each profile. */
export function ofEachProfile<T>(value: T): Record<ConfinedProfile, T> {
  return Object.fromEntries(confinedProfiles.map((profile) => [profile, value])) as Record<
    ConfinedProfile,
    T
  >
}

/** Whether a profile shows the machine's own processes, so that the kernel does not end its own with it. */
export function sharesProcesses({ machine }: ProfileTraits): boolean {
  return machine === 'processes' || machine === 'network'
}

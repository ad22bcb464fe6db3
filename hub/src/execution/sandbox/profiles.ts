/** How far a command is confined, weakest first. `none`: not at all. */
export const profiles = ['none', 'rw-workspace-net', 'rw-workspace-nonet', 'ro-nonet'] as const
export type Profile = (typeof profiles)[number]
export type ConfinedProfile = Exclude<Profile, 'none'>

export const confinedProfiles = profiles.filter((profile) => profile !== 'none')

/** What tells the profiles apart; the rest (namespaces, hidden places, privileges) is the same for all. */
export const profileTraits: Readonly<
  Record<ConfinedProfile, { readonly workspaceWritable: boolean; readonly network: boolean }>
> = {
  'rw-workspace-net': { workspaceWritable: true, network: true },
  'rw-workspace-nonet': { workspaceWritable: true, network: false },
  'ro-nonet': { workspaceWritable: false, network: false },
}

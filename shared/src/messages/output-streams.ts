/** The output streams of a command. */
export const outputStreams = ['stdout', 'stderr'] as const
export type OutputStream = (typeof outputStreams)[number]

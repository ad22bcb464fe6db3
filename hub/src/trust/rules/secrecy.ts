/** The class of a path's content. */
export type Secrecy = 'secret' | 'private' | undefined

type Environment = Readonly<Record<string, string | undefined>>

/** The folder in which set-up keeps programs that it fetched: an absolute path, which may not exist. */
export declare function programCache(env?: Environment): string

/** Every path at which a program is looked for, best first: PATH, the usual folders, the copy that set-up makes. */
export declare function programPaths(name: string, env?: Environment): string[]

/** The folder in which Node keeps compiled code for a program of ours: an absolute path, which may not exist. */
export declare function compileCache(program: string): string

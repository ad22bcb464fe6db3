type Environment = Readonly<Record<string, string | undefined>>

/** The folder of programs fetched by set-up: an absolute path, which may not exist. */
export declare function programCache(env?: Environment): string

/** The search path for a program, best first: PATH, the usual folders, the copy made by set-up. */
export declare function programPaths(name: string, env?: Environment): string[]

/** The folder in which Node keeps compiled code for a program of ours: an absolute path, which may not exist. */
export declare function compileCache(program: string): string

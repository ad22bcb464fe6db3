/** The folders that may hold PostgreSQL's own programs, best first. */
export declare function postgresFolders(): string[]

/** Whether a folder holds what tests start. */
export declare function holdsPostgres(folder: string): boolean

/** Where the libraries of a private copy are, for LD_LIBRARY_PATH; empty where there is none. */
export declare function postgresLibraries(): string

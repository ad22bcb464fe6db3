/** The folder in which set-up keeps programs that it fetched: an absolute path, which may not exist. */
export declare function programCache(env?: Record<string, string | undefined>): string

/** Where set-up puts its copy of nats-server: an absolute path, which may not exist. */
export declare function natsServerCopy(env?: Record<string, string | undefined>): string

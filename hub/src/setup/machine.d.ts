/** A failure of set-up that its message explains in full. */
export declare class SetupError extends Error {}

/** Makes nats-server available, unless NATS_URL names a broker. @throws {SetupError} */
export declare function ensureBroker(): Promise<void>

/** Builds the pinned nats-server from its Go module and keeps it. @throws {SetupError} */
export declare function buildNewestBroker(): Promise<void>

/** Makes bubblewrap available where it can be had; says so where not. */
export declare function ensureSandbox(): Promise<void>

/** Whether fetching bubblewrap failed within a day; then it says so. */
export declare function sandboxLatelyFailed(): boolean

/** Where the programs are that a hub runs; null for what is missing. */
export declare function foundPrograms(): {
  readonly nats_server: string | null
  readonly bubblewrap: string | null
}

/** The newest nats-server that this hub is tested with. */
export declare const pinnedVersion: string

/** Gets nats-server from the archive of its official release; resolves with the path of the program. */
export declare function fromReleaseArchive(
  work: string,
  env?: Readonly<Record<string, string | undefined>>,
): Promise<string>

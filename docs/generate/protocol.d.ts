/** The text of docs/protocol.md: every subject with its schema. */
export declare function protocolPage(): string

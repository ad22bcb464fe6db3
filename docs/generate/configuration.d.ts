/** The text of docs/configuration.md: every setting with its default, range and meaning. */
export declare function configurationPage(): string

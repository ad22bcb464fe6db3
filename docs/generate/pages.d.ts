/** Every generated page by its path, formatted as the linter wants it. */
export declare function generatedPages(): Promise<Record<string, string>>

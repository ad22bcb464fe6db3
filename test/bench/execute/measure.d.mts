export function answerMeasurements<T>(once: (argument: T) => Promise<unknown>): void

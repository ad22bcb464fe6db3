export function answerMeasurements(once: (argument: never) => Promise<unknown>): void

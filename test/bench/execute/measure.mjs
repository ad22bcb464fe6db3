/**
 * Makes this process a worker of a benchmark: for each message it does a thing `count` times, `parallel` at once, and answers
 * with the milliseconds of each and of all.
 *
 * @param {(argument: any) => Promise<unknown>} once
 */
export function answerMeasurements(once) {
  const measure = async ({ argument, count, parallel }) => {
    const each = []
    const begun = performance.now()
    let left = count
    const line = async () => {
      while (left > 0) {
        left -= 1
        const start = performance.now()
        await once(argument)
        each.push(performance.now() - start)
      }
    }
    try {
      await Promise.all(Array.from({ length: parallel }, line))
      process.send({ each, all: performance.now() - begun })
    } catch (error) {
      process.send({ error: String(error?.stack ?? error) })
    }
  }
  process.on('message', (message) => void measure(message))
  process.send({ ready: true })
}

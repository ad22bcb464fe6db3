import { Worker } from 'node:worker_threads'

const program = `
  const { workerData } = require('node:worker_threads')
  const { writeSync } = require('node:fs')
  setTimeout(() => {
    try {
      writeSync(2, workerData.why)
    } finally {
      process.kill(process.pid, 'SIGKILL')
    }
  }, workerData.ms)`

/**
 * Kills this process after a while, whatever it hangs on: the timer runs on its own thread and also
 * ends a main thread that is stuck in disk I/O. Does not keep the process alive. Only for processes
 * of the command line: an embedding program decides itself how long it waits.
 *
 * @param withinMs time limit of the stop, in milliseconds
 */
export function endWithin(withinMs: number): void {
  const why = `centralpost: the hub has not stopped within ${withinMs / 1000} s; killing it, the next start recovers\n`
  const watchdog = new Worker(program, {
    eval: true,
    name: 'watchdog',
    workerData: { ms: withinMs, why },
    execArgv: [],
  })
  watchdog.unref()
}

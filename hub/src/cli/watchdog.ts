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
 * Ends this process after a while, whatever it hangs on: it counts on a thread of its own, so that it also ends a main
 * thread that is stuck in a call to a disk. Keeps no process alive that ends by itself. Of the process of a command only:
 * a program that embeds a hub decides itself how long it waits for it.
 *
 * @param withinMs how long the process may take to end, in milliseconds
 */
export function endWithin(withinMs: number): void {
  const why = `centralpost: the hub has not ended within ${withinMs / 1000} s; it is killed, and goes on at the next start\n`
  const watchdog = new Worker(program, {
    eval: true,
    name: 'watchdog',
    workerData: { ms: withinMs, why },
    execArgv: [],
  })
  watchdog.unref()
}

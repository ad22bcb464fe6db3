// Starts programs with nothing but Node: the limit that everything else is held against. Plain JavaScript and no import of
// ours, so that the process is as small as one can be.
import { spawn } from 'node:child_process'
import { answerMeasurements } from './measure.mjs'

answerMeasurements(
  ([file, ...args]) =>
    new Promise((resolve, reject) => {
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
      child.stdout.resume()
      child.stderr.resume()
      child.once('error', reject)
      child.once('close', (code) => {
        if (code === 0) resolve()
        else reject(new Error(`${String(file)} ended with ${String(code)}`))
      })
    }),
)

import { setTimeout as delay } from 'node:timers/promises'
import { withProgress } from '#agents/terminal/progress.ts'

await withProgress('counting', async (advance) => {
  for (let done = 0; done < 12; done += 1) {
    advance(`${done} of 12`)
    await delay(100)
  }
})
process.stdout.write('counted\n')

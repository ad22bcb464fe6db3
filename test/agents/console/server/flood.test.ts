import { jest } from '@jest/globals'
import { type ActionOutput, outputSubject, startSubject } from '@centralpost/shared'
import { inBrowser, longestTask, watchLongTasks } from '../../../support/browser.ts'
import { startConsole } from '../../../support/console.ts'
import { TestHub } from '../../../support/hub.ts'
import { Bus, silentLogger } from '@centralpost/shared'

const seconds = 10
const bytesPerSecond = 5_000_000

// a measurement: what else the machine does at that moment is not the page's doing
jest.retryTimes(2, { logErrorsBeforeRetry: true })

inBrowser('a flood of output, in a browser', (browser) => {
  test('50 MB in 10 s leave the page responsive, its memory bounded, and a request shows at once', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await page.goto(`${console.url}/#/terminal`)
    // straight onto the bus, as a hub would that thins nothing
    await using bus = await Bus.connect({
      credentials: await it.broker.credentials('hub'),
      name: 'flood',
      log: silentLogger,
    })
    const ids = { schema: 1, action_id: 'flood', agent_id: 'agent-a' } as const
    bus.publish(startSubject('agent-a', 'flood'), {
      ...ids,
      workflow_id: null,
      command: 'yes',
      cwd: it.workspace,
      trust_level: 'SAFE',
      approved_by: 'auto',
      timeout: 60,
      started_at: new Date().toISOString(),
      hub_id: 'test-hub',
    })
    await page.locator('.actions').getByText('yes').waitFor()
    await page.waitForTimeout(1500)
    await watchLongTasks(page)
    const line = `\u001b[32m${'flood of output '.repeat(6)}\u001b[0m\n`
    const data = line.repeat(Math.floor(32_000 / line.length))
    const rssBefore = process.memoryUsage.rss()
    const began = performance.now()
    let seq = 0
    let sent = 0
    let shownAfterMs = Number.POSITIVE_INFINITY
    while (sent < seconds * bytesPerSecond) {
      const due = ((performance.now() - began) / 1000) * bytesPerSecond
      while (sent <= due) {
        const chunk: ActionOutput = {
          ...ids,
          seq,
          stream: seq % 7 === 0 ? 'stderr' : 'stdout',
          data,
        }
        bus.publish(outputSubject('agent-a', 'flood'), chunk)
        sent += data.length
        seq += 1
      }
      if (seq > 700 && shownAfterMs === Number.POSITIVE_INFINITY) {
        shownAfterMs = -performance.now()
        await (await it.agent()).requestAction('mkdir made')
        void page
          .locator('.rail .count.approvals')
          .waitFor()
          .then(() => {
            shownAfterMs += performance.now()
          })
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const longest = await longestTask(page)
    const heap = await page.evaluate<number>('performance.memory.usedJSHeapSize')
    await page.locator('.xterm-rows').getByText('flood of output').first().waitFor()
    process.stderr.write(
      `flood: ${(sent / 1e6).toFixed(0)} MB in ${((performance.now() - began) / 1000).toFixed(1)} s, longest task ${longest.toFixed(0)} ms, ` +
        `page heap ${(heap / 1e6).toFixed(0)} MB, server +${((process.memoryUsage.rss() - rssBefore) / 1e6).toFixed(0)} MB, request shown after ${shownAfterMs.toFixed(0)} ms\n`,
    )
    expect(sent).toBeGreaterThanOrEqual(50_000_000)
    expect(longest).toBeLessThanOrEqual(200)
    expect(heap).toBeLessThan(150_000_000)
    expect(shownAfterMs).toBeGreaterThan(0)
    expect(shownAfterMs).toBeLessThan(3000)
    expect(await page.locator('.live').first().innerText()).toMatch(/MB/)
  }, 60_000)
})

import { inBrowser } from '../../../support/browser.ts'
import { startConsole } from '../../../support/console.ts'
import { eventually } from '../../../support/eventually.ts'
import { TestHub } from '../../../support/hub.ts'
import { TestBroker } from '../../../support/nats-server.ts'

inBrowser('when something is away, in a browser', (browser) => {
  test('a hub that is gone is said, nothing can be decided, and all is there when it is back', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const action = await agent.requestAction('mkdir made')
    const row = page.locator('.requests .request')
    await row.first().waitFor()
    await it.stopHub()
    await page.getByText('The hub is away').waitFor({ timeout: 15_000 })
    const approve = page.getByRole('article').getByRole('button', { name: /^Approve once/ })
    expect(await approve.isDisabled()).toBe(true)
    await page.waitForTimeout(600)
    await page.keyboard.press('a')
    await page.keyboard.press('d')
    expect(await page.getByRole('dialog').count()).toBe(0)
    // asked for while the hub is away: the broker keeps it
    await agent.requestAction('mkdir later')
    await it.startHub()
    await page.getByText('The hub is away').waitFor({ state: 'detached', timeout: 15_000 })
    await eventually(async () => (await row.count()) === 2)
    await approve.click()
    expect(await action.result({ timeoutMs: 8000 })).toMatchObject({ status: 'completed' })
  }, 60_000)

  test('a broker that is gone is said, and the page goes on by itself when it is back', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await it.broker.embedded.stop()
    await page.getByText('The broker is away').waitFor({ timeout: 15_000 })
    await using _ = await TestBroker.start({ dataDir: it.dataDir })
    await page.getByText('is away').waitFor({ state: 'detached', timeout: 20_000 })
    const agent = await it.agent()
    await agent.requestAction('mkdir made')
    await page.locator('.requests .request').first().waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  }, 60_000)

  test('a broker that is killed and started again costs nothing that waits', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await it.broker.kill9()
    await it.broker.isBack()
    const action = await (await it.agent()).requestAction('mkdir made')
    await page.locator('.requests .request').first().waitFor({ timeout: 20_000 })
    await page.waitForTimeout(600)
    await page.keyboard.press('a')
    expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({ status: 'completed' })
  }, 60_000)

  test('a console that is started again finds the page still signed in', async () => {
    await using it = await TestHub.start()
    const console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await console.stop()
    await page.getByText('The console does not answer').waitFor({ timeout: 15_000 })
    await using again = await startConsole(it)
    expect(again.url).toBe(console.url)
    await page
      .getByText('The console does not answer')
      .waitFor({ state: 'detached', timeout: 15_000 })
    await (await it.agent()).requestAction('mkdir made')
    await page.locator('.requests .request').first().waitFor()
  }, 60_000)

  test('a session that ends says how to begin another', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it, 'alice', { sessionMs: 3000 })
    const { page } = await browser.signIn(console)
    await page.getByText('You are signed out').waitFor({ timeout: 15_000 })
    expect(await page.getByRole('main').innerText()).toContain('centralpost console --link')
    await page.goto(console.url)
    await page.getByText('You are not signed in.').waitFor()
    await page.goto(`${console.url}/login#${'x'.repeat(43)}`)
    await page.getByText(/used already or has expired/).waitFor()
    await page.goto(console.newLoginLink())
    await page.getByRole('navigation', { name: 'Views' }).waitFor()
    expect(page.url()).not.toContain('login')
  }, 60_000)
})

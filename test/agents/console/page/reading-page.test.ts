import type { Page } from 'playwright-core'
import { inBrowser } from '../../../support/browser.ts'
import { startConsole } from '../../../support/console.ts'
import { eventually } from '../../../support/eventually.ts'
import { TestHub } from '../../../support/hub.ts'

const lines = Array.from({ length: 60 }, (_, at) => `touch made-${at}`)
const heredoc = `cat > notes.py <<'EOF'\n${lines.join('\n')}\nEOF\nmkdir after-it`
const detail = (page: Page) => page.getByRole('article', { name: /^Request of/ })
const approve = (page: Page) => detail(page).getByRole('button', { name: /Approve once/ })
/** A request that has just moved under the operator's hands takes no key for half a second. */
const settle = (page: Page) => page.waitForTimeout(600)
const phone = { viewport: { width: 390, height: 844 } }
const chosen = (page: Page) => page.locator('.requests [aria-current="true"]')

inBrowser('what was not on the screen is not approved, in a browser', (browser) => {
  test('a long command takes no approval, by key, button, comment or rule, until its end was in view', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const action = await agent.requestAction(heredoc)
    await detail(page).waitFor()
    await settle(page)
    expect(await detail(page).locator('.below').innerText()).toMatch(/^\d+ more lines/)
    for (const key of ['m', 'A']) {
      await page.keyboard.press(key)
      expect(await page.getByRole('dialog').count()).toBe(0)
    }
    await page.getByText('read to its end, then decide').first().waitFor()
    await detail(page)
      .locator('.command-block')
      .evaluate((block: { scrollTop: number }) => {
        block.scrollTop = 0
      })
    await page.keyboard.press('a')
    await approve(page).click()
    expect((await agent.getAction(action.actionId)).state).toBe('pending')
    // each press reads a page on, as in the terminal
    await eventually(async () => {
      await page.keyboard.press('a')
      return (await agent.getAction(action.actionId)).state !== 'pending'
    })
    await detail(page).waitFor({ state: 'detached' })
  }, 90_000)

  test('a short command is one key, and so is a long one that was scrolled through', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const short = await agent.requestAction('mkdir short')
    await detail(page).waitFor()
    await settle(page)
    await page.keyboard.press('a')
    expect(await short.result({ timeoutMs: 8000 })).toMatchObject({ approved_by: 'alice' })
    const long = await agent.requestAction(heredoc)
    const block = detail(page).locator('.command-block')
    await block.waitFor()
    await block.hover()
    for (let at = 0; at < 12; at += 1) await page.mouse.wheel(0, 400)
    await page.getByText('more lines').waitFor({ state: 'hidden' })
    await settle(page)
    await page.keyboard.press('a')
    expect(await long.result({ timeoutMs: 8000 })).toMatchObject({ approved_by: 'alice' })
  }, 90_000)

  test('one endless line, and an environment below the fold, count as well', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console, phone)
    const agent = await it.agent()
    const long = await agent.requestAction(`touch ${'x'.repeat(6000)}`)
    const env = await agent.requestAction({
      command: 'touch b',
      env: Object.fromEntries(
        Array.from({ length: 30 }, (_, at) => [`NAME_${at}`, 'v'.repeat(60)]),
      ),
    })
    for (const nth of [0, 1]) {
      await page.locator('.slip').nth(nth).click()
      await settle(page)
      await approve(page).click()
      await page.getByText('read to its end').first().waitFor()
      await page.getByRole('button', { name: /All waiting requests/ }).click()
    }
    expect((await agent.getAction(long.actionId)).state).toBe('pending')
    expect((await agent.getAction(env.actionId)).state).toBe('pending')
  }, 90_000)

  test('several at once are approved when the list of them was read', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const long = await agent.requestAction(heredoc)
    const short = await agent.requestAction('mkdir short')
    await page.locator('.slip').nth(1).waitFor()
    await settle(page)
    await page.keyboard.press('Shift+X')
    await page.keyboard.press('a')
    const dialog = page.getByRole('dialog', { name: /Approve 2/ })
    await dialog.getByText('read the list to its end').waitFor()
    const yes = dialog.getByRole('button', { name: 'Approve 2' })
    await yes.click()
    expect((await agent.getAction(short.actionId)).state).toBe('pending')
    await eventually(async () => {
      if (await dialog.isVisible()) await yes.click({ timeout: 2000 })
      return !(await dialog.isVisible())
    })
    expect(await long.result({ timeoutMs: 20_000 })).toMatchObject({ approved_by: 'alice' })
  }, 90_000)

  test('on a phone a card opens at its command, however far the list was scrolled', async () => {
    await using it = await TestHub.start({ config: { approvals: { pending_per_agent: 50 } } })
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console, phone)
    const agent = await it.agent()
    for (let at = 0; at < 25; at += 1) await agent.requestAction(`mkdir d${at}`)
    await page.locator('.slip').nth(24).waitFor()
    await page.locator('.slip').nth(24).click()
    await eventually(async () => {
      const box = await detail(page).locator('.command-block').boundingBox()
      return box !== null && box.y > 0 && box.y < 400
    })
    // what lies between the buttons and the tabs is the bar itself
    const bar = await page.locator('.decide').boundingBox()
    const tabs = await page.locator('.rail').boundingBox()
    expect(Math.abs((bar?.y ?? 0) + (bar?.height ?? 0) - (tabs?.y ?? 0))).toBeLessThan(4)
  }, 90_000)
})

inBrowser('a decision is about the row that is shown, in a browser', (browser) => {
  test('words that leave the chosen row out choose one that is shown', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const hidden = await agent.requestAction('mkdir made')
    await detail(page).waitFor()
    const meant = await agent.requestAction('touch kube.yaml')
    await page.locator('.slip').nth(1).waitFor()
    await settle(page)
    await page.keyboard.press('/')
    await page.keyboard.type('kube')
    await page.keyboard.press('Escape')
    expect(await chosen(page).innerText()).toContain('kube.yaml')
    expect(await detail(page).locator('.command-block').innerText()).toContain('kube.yaml')
    await settle(page)
    await page.keyboard.press('a')
    expect(await meant.result({ timeoutMs: 8000 })).toMatchObject({ approved_by: 'alice' })
    expect((await agent.getAction(hidden.actionId)).state).toBe('pending')
  }, 90_000)

  test('words that fit nothing leave nothing to decide, and marks of hidden rows wait', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const action = await agent.requestAction('mkdir made')
    await detail(page).waitFor()
    await settle(page)
    await page.keyboard.press('x')
    await page.locator('#find-request').fill('nothing like it')
    await page.keyboard.press('Escape')
    for (const key of ['a', 'm', 'd', 'A']) await page.keyboard.press(key)
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await detail(page).count()).toBe(0)
    expect((await agent.getAction(action.actionId)).state).toBe('pending')
  }, 90_000)
})

inBrowser('what an approval does not hold, in a browser', (browser) => {
  test('what can still change is told, and how many of the same wait', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    await agent.requestAction('python -c "import settings"')
    await agent.requestAction('python -c "import settings"')
    const operator = await it.operator('bob')
    const told = await eventually(async () => {
      const [first, second] = await operator.pending()
      return second !== undefined && first
    })
    await detail(page).getByText('1 identical request also waits').waitFor()
    expect(told.not_bound).not.toEqual([])
    const shown = await detail(page).innerText()
    for (const what of told.not_bound ?? []) expect(shown).toContain(what)
  }, 90_000)
})

inBrowser('a command is read line by line, in a browser', (browser) => {
  test('line breaks and indentation are no alarm; a real one is counted above', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    await agent.requestAction("cat > a.py <<'EOF'\nif x:\n        y = 1\nEOF")
    const block = detail(page).locator('.command-block')
    await block.waitFor()
    expect(await detail(page).locator('.unseen, .alarm').count()).toBe(0)
    expect(await block.locator('.line').count()).toBe(4)
    // coloured by its verdict, and not told again
    expect(await block.locator('.part.review').count()).toBeGreaterThan(0)
    expect((await detail(page).innerText()).split('y = 1')).toHaveLength(2)
    await agent.requestAction('mkdir \u202ea\nls \u05d0\u05d1')
    await page.locator('.slip').nth(1).click()
    expect(await detail(page).locator('.alarm').innerText()).toBe(
      '1 hidden character: U+202E at line 1',
    )
    expect(await block.locator('.unseen').count()).toBe(1)
    const orders = `[...document.querySelectorAll('.command-block .line, .command-block .line > span')].map((one) => getComputedStyle(one).unicodeBidi)`
    for (const order of await page.evaluate<string[]>(orders)) expect(order).toContain('override')
  }, 90_000)
})

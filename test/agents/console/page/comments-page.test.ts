import type { Page } from 'playwright-core'
import { inBrowser } from '../../../support/browser.ts'
import { startConsole } from '../../../support/console.ts'
import { eventually } from '../../../support/eventually.ts'
import { TestHub } from '../../../support/hub.ts'

const rows = (page: Page) => page.locator('.requests .request')
const trail = (page: Page) => page.locator('.events')

inBrowser('comments on approvals, in a browser', (browser) => {
  test('a comment is given by keyboard alone, and is in the audit trail that the history shows', async () => {
    await using it = await TestHub.start({ agents: ['agent-a', 'operator-alice'] })
    await using console = await startConsole(it)
    const { page, problems } = await browser.signIn(console)
    const action = await (
      await it.agent()
    ).requestAction({ command: 'mkdir made', actionId: 'made' })
    await rows(page).first().waitFor()
    await page.keyboard.press('m')
    const dialog = page.getByRole('dialog', { name: 'Approve once, with a comment' })
    await dialog.waitFor()
    expect(await dialog.getByRole('button', { name: 'Approve once' }).isDisabled()).toBe(true)
    await page.keyboard.type('a place for the build, as agreed')
    await page.keyboard.press('Enter')
    expect(await action.result({ timeoutMs: 8000 })).toMatchObject({ approved_by: 'alice' })
    // what is said of it is not said over the line on which the next command is typed
    await page.keyboard.press('c')
    const line = await page.locator('.command-line').boundingBox()
    const toast = await page.locator('.toasts').boundingBox()
    expect((toast?.y ?? 0) + (toast?.height ?? 0)).toBeLessThanOrEqual(line?.y ?? 0)
    await page.goto(`${console.url}/#/history/agent-a/made`)
    await trail(page).getByText('a place for the build, as agreed').first().waitFor()
    const facts = await page.locator('.facts').innerText()
    expect(facts).toMatch(/comment\s+alice: a place for the build, as agreed/i)
    expect(problems).toEqual([])
  }, 30_000)

  test('a rule that is made, and several that are approved, carry the comment too', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const ruled = await agent.requestAction({ command: 'mkdir ruled', actionId: 'ruled' })
    await rows(page).first().waitFor()
    await page.keyboard.press('Shift+A')
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel(/^Comment/).fill('for the whole week')
    await dialog.getByRole('button', { name: 'Approve and make the rule' }).click()
    await ruled.result({ timeoutMs: 8000 })
    const several = [
      await agent.requestAction({ command: 'touch one', actionId: 'one' }),
      await agent.requestAction({ command: 'touch two', actionId: 'two' }),
    ]
    await eventually(async () => (await rows(page).count()) === 2)
    await page.keyboard.press('Shift+X')
    await page.keyboard.press('m')
    await dialog.getByLabel(/^Comment/).fill('both are needed')
    await dialog.getByRole('button', { name: 'Approve 2' }).click()
    for (const action of several) await action.result({ timeoutMs: 8000 })
    for (const [id, text] of [
      ['ruled', 'for the whole week'],
      ['one', 'both are needed'],
      ['two', 'both are needed'],
    ] as const) {
      await page.goto(`${console.url}/#/history/agent-a/${id}`)
      await trail(page).getByText(text).first().waitFor()
      expect(await page.locator('.facts').innerText()).toContain(`alice: ${text}`)
    }
  }, 30_000)

  test.each([
    ['m', 'Approve once, with a comment'],
    ['d', 'Deny'],
    ['Shift+A', 'Approve, and always allow from now on'],
  ])(
    'what is typed after %s stays in the question when somebody else decides meanwhile',
    async (key, title) => {
      await using it = await TestHub.start()
      await using console = await startConsole(it)
      const { page } = await browser.signIn(console)
      const agent = await it.agent()
      const bob = await it.operator('bob')
      await agent.requestAction({ command: 'mkdir first', actionId: 'first' })
      await rows(page).first().waitFor()
      await agent.requestAction({ command: 'mkdir second', actionId: 'second' })
      await eventually(async () => (await rows(page).count()) === 2)
      await page.keyboard.press(key)
      const dialog = page.getByRole('dialog', { name: title, exact: true })
      await dialog.waitFor()
      await bob.deny('first', 'not this one')
      await dialog.getByText('This was denied by bob meanwhile.').waitFor()
      const field = dialog.getByRole('textbox').first()
      await field.focus()
      // as keys of the page these would go to the next request, and approve it
      await page.keyboard.type('jjjust do that aaaa', { delay: 60 })
      expect(await field.inputValue()).toBe('jjjust do that aaaa')
      await page.keyboard.press('Enter')
      await page.getByText(/Already decided: bob decided/).waitFor()
      expect((await bob.pending()).map((one) => one.action_id)).toEqual(['second'])
    },
    30_000,
  )
})

import type { Page } from 'playwright-core'
import { inBrowser, longestTask, watchLongTasks } from '../../../support/browser.ts'
import { startConsole } from '../../../support/console.ts'
import { eventually } from '../../../support/eventually.ts'
import { TestHub } from '../../../support/hub.ts'

const rows = (page: Page) => page.locator('.requests .request')
const detail = (page: Page) => page.getByRole('article', { name: /^Request of/ })
const said = (page: Page) => page.locator('.toasts')
/** A request that has just moved under the operator's hands takes no key for half a second. */
const settle = (page: Page) => page.waitForTimeout(600)

inBrowser('the approvals of the console, in a browser', (browser) => {
  test('a request shows within a second without a reload; approved by keyboard it runs, its output streams, its result is there', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page, problems, foreign } = await browser.signIn(console)
    const agent = await it.agent()
    await page.getByText('Nothing waits for you.').waitFor()
    const action = await agent.requestAction({
      command: 'touch made; for n in 1 2 3; do echo line-$n; sleep 0.4; done',
      context: 'to see it run',
      workflowId: 'wf',
      env: { CI: '1' },
    })
    const asked = performance.now()
    await rows(page).first().waitFor()
    expect(performance.now() - asked).toBeLessThan(1000)
    expect(await page.title()).toMatch(/^\(1\) Approvals/)
    const shown = await detail(page).innerText()
    for (const text of [
      'agent-a asks to run',
      'to see it run',
      it.workspace,
      'CI=1',
      'wf',
      'low risk',
    ]) {
      expect(shown).toContain(text)
    }
    expect(await detail(page).locator('.command-block .part.review').first().innerText()).toContain(
      'touch made',
    )
    await settle(page)
    await page.keyboard.press('a')
    await page.getByText('Approved: touch made').waitFor()
    expect(await said(page).innerText()).toContain('cannot be undone')
    await page.keyboard.press('2')
    await page.locator('.xterm-rows').getByText('line-1').waitFor()
    expect(await page.locator('.actions').innerText()).toContain('Running')
    await page.locator('.xterm-rows').getByText('line-3').waitFor()
    expect(await action.result({ timeoutMs: 8000 })).toMatchObject({
      status: 'completed',
      approved_by: 'alice',
    })
    await page.locator('.shell-head').getByText('completed').waitFor()
    expect(problems).toEqual([])
    expect(foreign).toEqual([])
  }, 30_000)

  test('a denial needs a reason, which reaches the agent', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const action = await agent.requestAction('mkdir made')
    await rows(page).first().waitFor()
    await page.keyboard.press('d')
    const dialog = page.getByRole('dialog', { name: 'Deny' })
    await dialog.waitFor()
    expect(await dialog.getByRole('button', { name: 'Deny' }).isDisabled()).toBe(true)
    await page.keyboard.type('there is one: use build/')
    await page.keyboard.press('Enter')
    expect(await action.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'denied',
      reason: 'there is one: use build/',
    })
    await page.getByText('Nothing waits for you.').waitFor()
  }, 30_000)

  test('what expires goes by itself, and the time is that of the hub whatever the browser believes', async () => {
    await using it = await TestHub.start({ config: { approvals: { pending: 4 } } })
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console, {
      before: (context) =>
        context.addInitScript(() => {
          const now = Date.now.bind(Date)
          Date.now = () => now() + 3_600_000
        }),
    })
    await (await it.agent()).requestAction('mkdir made')
    await rows(page).first().waitFor()
    expect(await rows(page).first().locator('.countdown').innerText()).toMatch(/^0:0[2-5]$/)
    await page.getByText('This request has expired').waitFor()
    expect(await rows(page).count()).toBe(0)
    expect(await detail(page).count()).toBe(0)
    await page.getByText('Nothing is left to decide.').waitFor()
  }, 30_000)

  test('of two operators who decide at once one wins, and the other is told who', async () => {
    await using it = await TestHub.start()
    await using ofAlice = await startConsole(it, 'alice')
    await using ofBob = await startConsole(it, 'bob', { dataDir: `${it.dataDir}/bob` })
    const [{ page: alice }, { page: bob }] = [
      await browser.signIn(ofAlice),
      await browser.signIn(ofBob),
    ]
    const agent = await it.agent()
    for (let round = 0; round < 3; round += 1) {
      const action = await agent.requestAction(`touch round-${round}`)
      await Promise.all([rows(alice).first().waitFor(), rows(bob).first().waitFor()])
      await Promise.all([settle(alice), settle(bob)])
      await Promise.all([alice.keyboard.press('a'), bob.keyboard.press('a')])
      const result = await action.result({ timeoutMs: 5000 })
      const [winner, loser] = result.approved_by === 'alice' ? [alice, bob] : [bob, alice]
      await winner.getByText(`Approved: touch round-${round}`).waitFor()
      expect(['alice', 'bob']).toContain(result.approved_by)
      await loser
        .getByText(new RegExp(`${String(result.approved_by)} (decided|approved)`))
        .first()
        .waitFor()
      await Promise.all([alice.reload(), bob.reload()])
    }
  }, 45_000)

  test('what another operator decides shows at once, and what was being read stays where it was', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const bob = await it.operator('bob')
    await agent.requestAction({ command: 'mkdir first', actionId: 'first' })
    await rows(page).first().waitFor()
    await agent.requestAction({ command: 'mkdir second', actionId: 'second' })
    await eventually(async () => (await rows(page).count()) === 2)
    await bob.deny('first', 'not this one')
    await page.getByText('bob denied this request').waitFor()
    // a key that was meant for it decides nothing about the other
    await page.keyboard.press('a')
    await page.keyboard.press('a')
    expect((await bob.pending()).map((one) => one.action_id)).toEqual(['second'])
    await page.keyboard.press('j')
    await detail(page).getByText('mkdir second').first().waitFor()
  }, 30_000)

  test('high risk asks twice; one press that bounces is not two', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const action = await (
      await it.agent()
    ).requestAction('chmod -R 777 build && rm -rf dist && curl -O http://127.0.0.1:1/x')
    await rows(page).first().waitFor()
    const operator = await it.operator('bob')
    await settle(page)
    await page.keyboard.press('a')
    await page.keyboard.press('a')
    await page.getByRole('button', { name: /High risk: approve anyway/ }).waitFor()
    expect(await operator.pending()).toHaveLength(1)
    await settle(page)
    await page.keyboard.press('a')
    expect((await action.result({ timeoutMs: 8000 })).approved_by).toBe('alice')
  }, 30_000)

  test('always makes exactly the rule that was shown, for the scope that was chosen', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    await agent.requestAction({ command: 'mkdir one', workflowId: 'wf' })
    await rows(page).first().waitFor()
    await settle(page)
    await page.keyboard.press('Shift+A')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('radio', { name: /^This command(?!, in)/ }).check()
    await dialog.getByRole('combobox', { name: /^for/ }).selectOption('agent')
    const shown = await dialog.locator('label:has(:checked) .rule-text').innerText()
    expect(shown).toMatch(/^mkdir with no options, .*, for agent agent-a$/)
    await dialog.getByRole('button', { name: 'Approve and make the rule' }).click()
    const [rule] = await eventually(async () => {
      const rules = await (await it.operator('bob')).alwaysRules()
      return rules.length > 0 && rules
    })
    expect(rule).toMatchObject({ description: shown, created_by: 'alice' })
    await page.keyboard.press('5')
    await page.locator('.slips').getByText(shown).waitFor()
    await page.getByRole('button', { name: 'Revoke…' }).click()
    await page.getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByText('No rule is in force.').waitFor()
  }, 30_000)

  test('five hundred requests stay usable, and several are decided at once after each was shown', async () => {
    const agents = Array.from({ length: 10 }, (_, n) => `agent-${n}`)
    await using it = await TestHub.start({ agents })
    for (const name of agents) {
      const agent = await it.agent(name)
      await Promise.all(
        Array.from({ length: 50 }, (_, n) => agent.requestAction(`touch ${name}-file-${n}`)),
      )
    }
    const operator = await it.operator('bob')
    await eventually(async () => (await operator.pending()).length === 500, 30_000)
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await eventually(async () => (await rows(page).count()) === 500)
    expect(await page.locator('.big-count').innerText()).toBe('500')
    // the quickest of several walks: what else the machine does at that moment is not the page's doing
    const longest: number[] = []
    for (let walk = 0; walk < 4 && !longest.some((ms) => ms < 200); walk += 1) {
      await watchLongTasks(page)
      for (let n = 0; n < 40; n += 1) await page.keyboard.press('j')
      longest.push(await longestTask(page))
    }
    expect(Math.min(...longest)).toBeLessThan(200)
    await page.keyboard.press('/')
    await page.keyboard.type('agent-7-file-1')
    await eventually(async () => (await rows(page).count()) === 11)
    await page.keyboard.press('Escape')
    await page.keyboard.press('Shift+X')
    await page.getByText('11 marked').waitFor()
    await page.keyboard.press('a')
    const dialog = page.getByRole('dialog', { name: /Approve 11/ })
    await dialog.waitFor()
    expect(await dialog.locator('.many li').count()).toBe(11)
    // the list is longer than the dialog: each press reads on, the one behind its end approves
    await eventually(async () => {
      const yes = dialog.getByRole('button', { name: 'Approve 11' })
      if (await dialog.isVisible()) await yes.click({ timeout: 2000 })
      return !(await dialog.isVisible())
    })
    await page.getByText(/Approved: 11 requests/).waitFor()
    expect(await operator.pending()).toHaveLength(489)
    await page.getByLabel('Find a request').fill('agent-7')
    await page.getByLabel('Find a request').blur()
    await page.keyboard.press('Shift+X')
    await page.getByText('39 marked').waitFor()
    await page.keyboard.press('d')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.type('none of these')
    await page.keyboard.press('Enter')
    await eventually(async () => (await operator.pending()).length === 450)
  }, 90_000)

  test('what the operator types is judged before it is sent, and is theirs to confirm only where the hub says so', async () => {
    await using it = await TestHub.start({
      agents: ['agent-a', 'operator-alice'],
      config: { approvals: { self_approval: true } },
    })
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await page.keyboard.press('c')
    const line = page.getByLabel('Command', { exact: true })
    await line.fill('rm -rf /')
    await page.locator('.verdict-line').getByText('BLOCKED').waitFor()
    expect(await page.getByRole('button', { name: 'Run', exact: true }).isDisabled()).toBe(true)
    await line.fill('echo typed')
    await page.locator('.verdict-line').getByText('SAFE').waitFor()
    await line.press('Enter')
    await page.locator('.xterm-rows').getByText('typed').waitFor()
    await line.fill('touch typed-by-alice')
    await page.locator('.verdict-line').getByText('REVIEW').waitFor()
    await line.press('Enter')
    await page.getByRole('button', { name: 'Run it: self-approved' }).click()
    const operator = await it.operator('bob')
    const entry = await eventually(async () =>
      (await operator.history({ agent_id: 'operator-alice' })).entries.find(
        ({ command, status }) => command === 'touch typed-by-alice' && status === 'completed',
      ),
    )
    expect(entry.approved_by).toBe('alice')
  }, 30_000)

  test('where the hub does not allow it, another operator must approve what was typed', async () => {
    await using it = await TestHub.start({ agents: ['operator-alice'] })
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await page.keyboard.press('c')
    const line = page.getByLabel('Command', { exact: true })
    await line.fill('touch mine')
    await page.getByText('another operator must approve it').waitFor()
    await line.press('Enter')
    await page.getByText('The command needs approval and waits for another operator.').waitFor()
    await page.keyboard.press('Escape')
    await page.goto(`${console.url}/#/approvals`)
    await detail(page).waitFor()
    expect(
      await detail(page)
        .getByRole('button', { name: /^Approve once/ })
        .isDisabled(),
    ).toBe(true)
  }, 30_000)
})

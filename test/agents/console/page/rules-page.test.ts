import { inBrowser } from '../../../support/browser.ts'
import { startConsole } from '../../../support/console.ts'
import { eventually } from '../../../support/eventually.ts'
import { TestHub } from '../../../support/hub.ts'

inBrowser('rules, in a browser', (browser) => {
  test('what another operator makes and revokes shows without a reload, and is said', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page, problems } = await browser.signIn(console)
    await page.keyboard.press('5')
    await page.getByText('No rule is in force.').waitFor()
    const bob = await it.operator('bob')
    const { actionId } = await (await it.agent()).requestAction('touch made')
    const { rule_id: ruleId = '' } = await eventually(() =>
      bob.approve(actionId, { decision: 'approve_always_exact' }),
    )
    await page.locator('.slips').getByText(ruleId).waitFor()
    await page.getByText(/^bob made a rule: exactly \["touch","made"\]/).waitFor()
    await bob.revokeRule(ruleId)
    await page.getByText('No rule is in force.').waitFor()
    await page.getByText(/^bob revoked a rule: exactly \["touch","made"\]/).waitFor()
    expect(problems).toEqual([])
  }, 30_000)

  test('a proposal that another operator has accepted goes from the list', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const bob = await it.operator('bob')
    for (const n of [1, 2, 3]) {
      const held = await agent.requestAction(`mkdir dir-${n}`)
      await eventually(() => bob.approve(held.actionId))
      await held.result()
    }
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await page.keyboard.press('4')
    await page.getByRole('tab', { name: 'Proposed rules' }).click()
    const offered = page.getByRole('button', { name: /^Make this rule/ })
    await offered.waitFor()
    const [proposal] = await bob.proposals()
    if (proposal === undefined) throw new Error('nothing is proposed')
    await bob.acceptProposal(proposal)
    await page.getByText('No rule is proposed.').waitFor()
    expect(await offered.count()).toBe(0)
  }, 30_000)
})

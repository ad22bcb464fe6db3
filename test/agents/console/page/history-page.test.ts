import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inBrowser } from '../../../support/browser.ts'
import { startConsole } from '../../../support/console.ts'
import { eventually } from '../../../support/eventually.ts'
import { TestHub } from '../../../support/hub.ts'

inBrowser('history, insights and the terminal of the console, in a browser', (browser) => {
  test('search finds while one types, filters narrow, the detail has the audit trail, and what is found can be run again', async () => {
    await using it = await TestHub.start({ agents: ['agent-a', 'agent-b', 'operator-alice'] })
    await using console = await startConsole(it)
    const { page, problems } = await browser.signIn(console)
    const [a, b] = [await it.agent('agent-a'), await it.agent('agent-b')]
    await writeFile(join(it.workspace, 'fruit.txt'), 'pomegranate\n')
    await (
      await a.requestAction({ command: 'cat fruit.txt', context: 'to see the fruit' })
    ).result()
    await (await b.requestAction('pwd')).result()
    await (await b.requestAction('rm -rf /')).result()
    const bob = await it.operator('bob')
    const made = await a.requestAction({ command: 'mkdir basket', actionId: 'made' })
    await eventually(async () => (await bob.pending()).length === 1)
    await bob.approve('made', { comment: 'a basket is fine' })
    await made.result()

    await page.keyboard.press('3')
    const entries = page.locator('.entries li')
    await eventually(async () => (await entries.count()) === 4)
    await page.keyboard.press('/')
    await page.keyboard.type('pomegran')
    await eventually(async () => (await entries.count()) === 1)
    expect(await entries.first().innerText()).toContain('cat fruit.txt')
    expect(await entries.first().locator('mark').first().innerText()).toMatch(/pomegranate/)
    await page.getByRole('button', { name: 'Clear' }).click()
    await page.getByLabel('verdict').selectOption('BLOCKED')
    await eventually(async () => (await entries.allInnerTexts()).join().startsWith('rm -rf /'))
    expect(await entries.count()).toBe(1)
    await page.getByRole('button', { name: 'Clear' }).click()
    await eventually(async () => (await entries.count()) === 4)

    await entries.filter({ hasText: 'mkdir basket' }).getByRole('link').click()
    const detail = page.getByRole('article', { name: 'Action made' })
    await detail.getByText('Audit trail').waitFor()
    const kinds = await detail.locator('.event-kind').allInnerTexts()
    for (const kind of ['requested', 'approved', 'started', 'finished'])
      expect(kinds).toContain(kind)
    expect(await detail.innerText()).toContain('a basket is fine')
    const trail = await detail.locator('.events').innerText()
    expect(trail).toMatch(/until\s+\d{1,2}:\d\d:\d\d/)
    expect(trail).not.toMatch(/\b(?:policy|record)\b/)
    const facts = await detail.locator('.facts').innerText()
    expect(facts).toMatch(/comment\s+bob: a basket is fine/i)

    await page.goto(`${console.url}/#/history`)
    await entries.filter({ hasText: 'cat fruit.txt' }).getByRole('link').click()
    await page.getByRole('button', { name: /^Run again/ }).click()
    const line = page.getByLabel('Command', { exact: true })
    expect(await line.inputValue()).toBe('cat fruit.txt')
    await page.locator('.verdict-line').getByText('SAFE').waitFor()
    await line.press('Enter')
    await page.locator('.xterm-rows').getByText('pomegranate').waitFor()
    const again = (await bob.history({ agent_id: 'operator-alice' })).entries
    expect(again).toHaveLength(1)
    expect(problems).toEqual([])
  }, 40_000)

  test('the history leaves as a file, with the filters that were set', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    await (await agent.requestAction('pwd')).result()
    await (await agent.requestAction('rm -rf /')).result()
    await page.goto(`${console.url}/#/history`)
    await page.getByLabel('verdict').selectOption('SAFE')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'JSONL' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('history.jsonl')
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ command: 'pwd' })
  }, 30_000)

  test('the plots show what happened, by verdict and by program', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    for (const command of ['pwd', 'pwd', 'cat missing', 'rm -rf /']) {
      await (await agent.requestAction(command)).result()
    }
    await page.keyboard.press('4')
    const figures = page.locator('.figures')
    await eventually(async () => /^4\s/.test(await figures.innerText()))
    expect(await page.locator('.chart .bar.safe').count()).toBeGreaterThan(0)
    expect(await page.locator('.chart .bar.blocked').count()).toBeGreaterThan(0)
    const byProgram = page.locator('.plot', { hasText: 'Success, by program' })
    expect(await byProgram.innerText()).toMatch(/pwd\s+100 % of 2/)
    expect(await page.locator('.plot', { hasText: 'Refused most' }).innerText()).toContain('1 time')
    await page.getByRole('tab', { name: 'Proposed rules' }).click()
    await page.getByText('No rule is proposed.').waitFor()
  }, 30_000)

  test('a proposed rule is made by a person who was shown it and what speaks for it, and can be left alone', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page, problems } = await browser.signIn(console)
    const agent = await it.agent()
    const bob = await it.operator('bob')
    for (const n of [1, 2, 3]) {
      const held = await agent.requestAction({ command: `mkdir dir-${n}`, actionId: `held-${n}` })
      await eventually(() => bob.approve(held.actionId))
      await held.result()
    }
    await page.goto(`${console.url}/#/insights`)
    await page.getByRole('tab', { name: 'Proposed rules' }).click()
    const make = page.getByRole('button', { name: 'Make this rule…' })
    await make.click()
    const dialog = page.getByRole('dialog', { name: 'Make this rule?' })
    expect(await dialog.innerText()).toContain('mkdir with no options')
    const approvals = dialog
      .getByRole('list', { name: 'The approved commands' })
      .getByRole('listitem')
    expect(await approvals.allInnerTexts()).toEqual(
      [3, 2, 1].map((n) => expect.stringMatching(new RegExp(`mkdir dir-${n}\\s+approved by bob`))),
    )
    // who presses Enter without reading goes back
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    expect(await bob.alwaysRules()).toEqual([])

    await make.click()
    await dialog.getByLabel('how long').selectOption('1 hour')
    await dialog.getByRole('button', { name: 'Make the rule' }).click()
    await page.getByText('No rule is proposed.').waitFor()
    const [rule] = await bob.alwaysRules()
    expect(rule).toMatchObject({ created_by: 'alice', agent_id: 'agent-a' })
    const lasts = Date.parse(rule?.expires_at ?? '') - Date.parse(rule?.created_at ?? '')
    expect(lasts).toBe(3_600_000)
    await page.getByText(`The rule ${rule?.rule_id} was made and is listed under Rules.`).waitFor()
    expect(problems).toEqual([])
  }, 40_000)

  test('what runs is switched between, told apart by stream, paused, searched, downloaded whole and cancelled with effect', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    const agent = await it.agent()
    const bob = await it.operator('bob')
    await writeFile(
      join(it.workspace, 'long.sh'),
      'echo to-stdout; echo to-stderr >&2; n=0; while :; do n=$((n+1)); echo tick-$n; sleep 0.4; done',
    )
    await writeFile(join(it.workspace, 'big.txt'), `first-line\n${'x'.repeat(99)}\n`.repeat(20_000))
    await page.keyboard.press('2')
    const long = await agent.requestAction({ command: 'bash long.sh', actionId: 'long' })
    await eventually(async () => (await bob.pending()).length === 1)
    await bob.approve('long')
    const screen = page.locator('.xterm-rows')
    await screen.getByText('tick-3', { exact: false }).first().waitFor()
    const colourOf = (text: string) =>
      page.evaluate(
        `getComputedStyle([...document.querySelectorAll('.xterm-rows span')].find((one) => one.textContent.includes('${text}'))).color`,
      )
    expect(await colourOf('to-stderr')).not.toBe(await colourOf('to-stdout'))
    await page.getByRole('radio', { name: 'stderr' }).check()
    await screen.getByText('to-stderr').waitFor()
    expect(await screen.innerText()).not.toContain('tick-')
    await page.getByRole('radio', { name: 'both' }).check()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.waitForTimeout(300)
    const before = await screen.innerText()
    await page.waitForTimeout(500)
    expect(await screen.innerText()).toBe(before)
    await page.getByRole('button', { name: 'Follow' }).click()
    await eventually(async () => (await screen.innerText()) !== before)
    await page.getByLabel('Find in the output').fill('to-stdout')
    expect(await page.locator('.not-found').count()).toBe(0)
    await page.getByLabel('Find in the output').fill('never printed')
    expect(await page.locator('.not-found').count()).toBe(1)
    await page.getByLabel('Find in the output').fill('')

    const big = await agent.requestAction('cat big.txt')
    await big.result({ timeoutMs: 10_000 })
    await page.locator('.actions a', { hasText: 'cat big.txt' }).click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: /^Download stdout/ }).click(),
    ])
    expect(await readFile(await download.path(), 'utf8')).toBe(
      await readFile(join(it.workspace, 'big.txt'), 'utf8'),
    )

    await page.locator('.actions a', { hasText: 'bash long.sh' }).click()
    await page.getByRole('button', { name: 'Cancel it…' }).click()
    await page.keyboard.type('that is enough')
    await page.keyboard.press('Enter')
    expect(await long.result({ timeoutMs: 10_000 })).toMatchObject({ status: 'cancelled' })
    await page.locator('.shell-head').getByText('cancelled').waitFor()
  }, 60_000)
})

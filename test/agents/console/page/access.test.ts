import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { inBrowser } from '../../../support/browser.ts'
import { startConsole } from '../../../support/console.ts'
import { eventually } from '../../../support/eventually.ts'
import { TestHub } from '../../../support/hub.ts'

const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const views = ['approvals', 'terminal', 'history', 'insights', 'rules', 'system'] as const
const mostBytes = 250_000

interface Found {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}

/** What axe finds that is serious or worse. */
async function seriousProblems(page: Page): Promise<string[]> {
  // the page's policy lets no script in; the debugger is above it
  await page.evaluate(await readFile(axeFile, 'utf8'))
  const { violations } = await page.evaluate<Found>(
    'axe.run(document, { resultTypes: ["violations"] })',
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(
        (node) => `${id}: ${node.html.slice(0, 160)}: ${node.failureSummary.slice(0, 300)}`,
      ),
    )
}

inBrowser('who can use the console, in a browser', (browser) => {
  let it: TestHub

  beforeAll(async () => {
    it = await TestHub.start({ agents: ['agent-a', 'operator-alice'] })
    const agent = await it.agent()
    const bob = await it.operator('bob')
    const ran = await agent.requestAction('ls -la; cat missing')
    await ran.result({ timeoutMs: 8000 })
    const ruled = await agent.requestAction({ command: 'mkdir one', actionId: 'ruled' })
    await eventually(async () => (await bob.pending()).length === 1)
    await bob.approve('ruled', { decision: 'approve_always_command' })
    await ruled.result({ timeoutMs: 8000 })
    await agent.requestAction('rm -rf /')
    await agent.requestAction({
      command: 'touch a && rm b; chmod -R 777 c',
      context: 'why',
      env: { A: '1' },
    })
    await eventually(async () => (await bob.pending()).length === 1)
    await agent.requestAction({ command: 'touch second', workflowId: 'wf' })
    await eventually(async () => (await bob.pending()).length === 2)
  }, 60_000)
  afterAll(async () => {
    await it[Symbol.asyncDispose]()
  })

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)(
    'axe finds nothing serious in any view, %s, %i pixels wide',
    async (colorScheme, width) => {
      await using console = await startConsole(it)
      const { page, problems } = await browser.signIn(console, {
        colorScheme,
        viewport: { width, height: 844 },
      })
      const found: Record<string, string[]> = {}
      for (const view of views) {
        await page.goto(`${console.url}/#/${view}`)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.waitForTimeout(700)
        found[view] = await seriousProblems(page)
        const isWider =
          'document.documentElement.scrollWidth > document.documentElement.clientWidth'
        expect({ view, isWider: await page.evaluate(isWider) }).toEqual({ view, isWider: false })
      }
      await page.goto(`${console.url}/#/history/agent-a/ruled`)
      await page.getByText('Audit trail').waitFor()
      found['detail'] = await seriousProblems(page)
      await page.goto(`${console.url}/#/approvals`)
      if (width < 700) await page.locator('.slip').first().click()
      for (const name of [/^Comment…/, /^Deny…/, /^Always…/]) {
        const button = page.getByRole('article').getByRole('button', { name })
        if (!(await button.isEnabled())) continue
        await button.click()
        await page.getByRole('dialog').waitFor()
        found[String(name)] = await seriousProblems(page)
        await page.keyboard.press('Escape')
      }
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
      found['keys'] = await seriousProblems(page)
      expect(found).toEqual(Object.fromEntries(Object.keys(found).map((name) => [name, []])))
      expect(problems).toEqual([])
    },
    60_000,
  )

  test('the first load is below 250 KB, with the terminal, and asks nobody else', async () => {
    await using console = await startConsole(it)
    const sizes: Promise<number>[] = []
    const { page, foreign } = await browser.signIn(console, {
      before: async (context) => {
        context.on('requestfinished', (request) => {
          if (request.url().includes('/api/')) return
          const size = request.sizes()
          sizes.push(
            size.then(({ responseBodySize, responseHeadersSize }) => {
              return responseBodySize + responseHeadersSize
            }),
          )
        })
      },
    })
    await page.goto(`${console.url}/#/terminal`)
    await (await it.agent()).requestAction('pwd')
    await page.locator('.xterm-rows').waitFor()
    // the terminal's own file is the largest, and the last to come
    const bytes = await eventually(async () => {
      const sum = (await Promise.all(sizes)).reduce((total, size) => total + size, 0)
      return sum > 100_000 && sum
    })
    process.stderr.write(`first load: ${(bytes / 1000).toFixed(0)} KB in ${sizes.length} files\n`)
    expect(bytes).toBeLessThan(mostBytes)
    expect(foreign).toEqual([])
  }, 30_000)

  test('everything that decides can be reached and used with the keyboard alone', async () => {
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await page.locator('.request').first().waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await page.keyboard.press('j')
    const current = page.locator('.slip[aria-current="true"]')
    expect(await current.innerText()).toContain('touch second')
    await page.keyboard.press('k')
    expect(await current.innerText()).toContain('touch a')
    await page.keyboard.press('x')
    await page.getByText('1 marked').waitFor()
    await page.keyboard.press('x')
    for (const [at, view] of views.entries()) {
      await page.keyboard.press(String(at + 1))
      await page.waitForURL(new RegExp(`#/${view}$`))
    }
    await page.keyboard.press('1')
    await page.locator('.slip').first().waitFor()
    await page.keyboard.press('d')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    // what is typed into a field decides nothing
    await page.keyboard.press('/')
    await page.keyboard.type('aad')
    expect(await page.getByLabel('Find a request').inputValue()).toBe('aad')
    expect(await page.getByRole('dialog').count()).toBe(0)
  }, 30_000)

  test('a screen reader is told of an arrival', async () => {
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await (await it.agent()).requestAction('touch heard')
    const log = page.locator('[role="log"]')
    await eventually(async () => (await log.textContent())?.includes('agent-a asks: touch heard'))
    expect(await log.textContent()).toMatch(/Risk low\. \d+ requests waiting/)
  }, 30_000)

  test('the title counts what waits; sound and notification come only where they were switched on', async () => {
    await using console = await startConsole(it)
    const { page, context } = await browser.signIn(console, {
      before: (opened) => opened.addInitScript(noteWhatIsHeard),
    })
    await context.grantPermissions(['notifications'], { origin: console.url })
    const agent = await it.agent()
    const heard = (): Promise<string[]> => page.evaluate('window.heard')

    await agent.requestAction('touch unheard')
    await page.getByText('touch unheard').first().waitFor()
    expect(await heard()).toEqual([])
    expect(await page.title()).toMatch(/^\(\d+\) Approvals · CentralPost$/)

    await page.evaluate(
      "localStorage.setItem('centralpost.notify', 'true'); localStorage.setItem('centralpost.sound', 'true')",
    )
    await page.reload()
    await page.getByText('touch unheard').first().waitFor()
    await agent.requestAction('touch audible')
    await eventually(async () => (await heard()).length >= 3)
    expect((await heard()).toSorted()).toEqual([
      'notification: agent-a asks: touch audible',
      'tone 660',
      'tone 880',
    ])
  }, 30_000)
})

/** Runs in the page: notes tones and notifications, which a browser without a screen gives nobody to hear. */
const noteWhatIsHeard = `
  window.heard = []
  document.hasFocus = () => false
  const RealNotification = window.Notification
  window.Notification = class extends RealNotification {
    constructor(title, options) {
      super(title, options)
      window.heard.push('notification: ' + options.body)
    }
  }
  const start = OscillatorNode.prototype.start
  OscillatorNode.prototype.start = function (...when) {
    window.heard.push('tone ' + Math.round(this.frequency.value))
    return start.apply(this, when)
  }
`

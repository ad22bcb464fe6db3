import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inBrowser } from '../../../support/browser.ts'
import { startConsole } from '../../../support/console.ts'
import { TestHub } from '../../../support/hub.ts'

const html =
  '<img src=x onerror="globalThis.owned=1"><script>globalThis.owned=1</script><a href="javascript:globalThis.owned=1">x</a>'
const escape = '\u001b'
/** What a terminal could be talked into: title, clipboard, link, answers, a bell, colours, a cleared screen, a hidden line. */
const control = [
  `${escape}]0;owned${escape}\\`,
  `${escape}]2;owned\u0007`,
  `${escape}]52;c;b3duZWQ=\u0007`,
  `${escape}]8;;https://evil.example/\u0007click me${escape}]8;;\u0007`,
  `${escape}[c${escape}[6n${escape}[21t${escape}P$qm${escape}\\`,
  `${escape}]10;?\u0007\u0007${escape}[?1049h${escape}[?1000h`,
  `${escape}[8mhidden${escape}[0m`,
].join('')
const bidi = 'safe\u202egnp.\u2066x\u2069\u202c\u200bend'

inBrowser('text of agents and commands, in a browser', (browser) => {
  test('HTML, terminal language and bidi in command, context and environment do nothing, and are shown', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page, problems, foreign } = await browser.signIn(console)
    const agent = await it.agent()
    await agent.requestAction({
      command: `touch '${html}' '${bidi}' ${' '.repeat(300)}; rm hidden-behind-padding`,
      context: `${html}\n${control}\n${bidi}`,
      workflowId: `${html.slice(0, 100)}${bidi}`,
      agentType: '<b>x</b>',
      env: { NOTE: `${html}${bidi}` },
    })
    const detail = page.getByRole('article', { name: /^Request of/ })
    await detail.waitFor()
    const block = detail.locator('.command-block')
    const shown = await block.innerText()
    expect(shown).toContain('<img src=x onerror=')
    expect(shown).toContain(String.raw`\u{202e}`)
    expect(shown).toContain(String.raw`\u{200b}`)
    expect(shown).toContain('⟨301 spaces⟩')
    expect(shown).toContain('rm hidden-behind-padding')
    expect(await detail.locator('blockquote').innerText()).toContain(String.raw`\x1b]0;owned`)
    expect(await detail.innerText()).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b]/)
    const bidiOf = `getComputedStyle(document.querySelector('.command-block')).unicodeBidi`
    expect(await page.evaluate(bidiOf)).toContain('bidi-override')
    expect(await page.locator('#page img, #page script, a[href^="javascript"]').count()).toBe(0)
    expect(await page.evaluate('globalThis.owned')).toBeUndefined()
    expect(problems).toEqual([])
    expect(foreign).toEqual([])
  }, 30_000)

  test('letters of a right-to-left script do not reorder a command', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page } = await browser.signIn(console)
    await (await it.agent()).requestAction('touch \u05d0\u05d1 ; rm \u05d2\u05d3')
    const block = page.getByRole('article').locator('.command-block .command')
    await block.waitFor()
    // where each letter is drawn, from left to right, is the order in which the shell reads
    const places = await page.evaluate(`(() => {
      const node = document.querySelector('.command-block .command')
      const places = []
      const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT)
      for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        for (let at = 0; at < text.length; at += 1) {
          const range = document.createRange()
          range.setStart(text, at)
          range.setEnd(text, at + 1)
          places.push(range.getBoundingClientRect().left)
        }
      }
      return places
    })()`)
    expect(places).toEqual((places as number[]).toSorted((a, b) => a - b))
  }, 30_000)

  test('output that talks to terminals drives nothing beyond its own drawing', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it)
    const { page, context, problems, foreign } = await browser.signIn(console)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.evaluate(`navigator.clipboard.writeText('mine')`)
    const text = `${html}\n${control}\n\u001b[1;38;2;10;200;30mtrue colour\u001b[0m\n${bidi}\nlast line\n`
    await writeFile(join(it.workspace, 'hostile.txt'), text)
    await page.goto(`${console.url}/#/terminal`)
    const title = await page.title()
    await (await it.agent()).requestAction('cat hostile.txt')
    const rows = page.locator('.xterm-rows')
    await rows.getByText('last line').waitFor()
    const shown = await rows.innerText()
    expect(shown).toContain(String.raw`\u{202e}`)
    expect(shown).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b]/)
    const box = await rows.getByText('click me').boundingBox()
    await page.mouse.click((box?.x ?? 0) + 20, (box?.y ?? 0) + 8)
    await page.waitForTimeout(300)
    expect(context.pages()).toHaveLength(1)
    expect(await page.title()).toBe(title)
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('mine')
    expect(await page.evaluate('globalThis.owned')).toBeUndefined()
    expect(await page.locator('.screen img, .screen script, .screen a[href]').count()).toBe(0)
    await page.getByRole('button', { name: 'Every character' }).click()
    expect(await page.locator('.plain-output').innerText()).toContain(
      String.raw`\x1b]52;c;b3duZWQ=`,
    )
    expect(problems).toEqual([])
    expect(foreign).toEqual([])
  }, 30_000)
})

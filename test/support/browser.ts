import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import type { Console } from '#agents/console/server/console.ts'
import { findBrowser } from './setup/browser.js'

const program = findBrowser()

const hasBrowser: boolean = program !== undefined

/** A real Chromium with an empty profile, one for a file of tests; each page has a context of its own. */
export class TestBrowser {
  readonly #browser: Browser

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async start(): Promise<TestBrowser> {
    if (program === undefined) throw new Error('no Chromium was found')
    const browser = await chromium.launch({
      executablePath: program,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    return new TestBrowser(browser)
  }

  /** Opens a page that is signed in at a console. Whatever it says on its console as an error is in `problems`. */
  async signIn(
    console: Console,
    options: Parameters<Browser['newContext']>[0] & {
      readonly before?: (context: BrowserContext) => Promise<unknown>
    } = {},
  ): Promise<SignedIn> {
    const { before, ...contextOptions } = options
    const context = await this.#browser.newContext({
      viewport: { width: 1280, height: 860 },
      locale: 'en-GB',
      ...contextOptions,
    })
    await before?.(context)
    const page = await context.newPage()
    page.setDefaultTimeout(10_000)
    const problems: string[] = []
    const foreign: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(String(error)))
    page.on('request', (request) => {
      if (!request.url().startsWith(`${console.url}/`)) foreign.push(request.url())
    })
    await page.goto(console.newLoginLink())
    await page.getByRole('navigation', { name: 'Views' }).waitFor()
    return { page, problems, foreign, context }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
  }
}

/**
 * Tests in a browser, which runs for as long as they do. They are skipped where there is none.
 *
 * @param tests are handed what opens a signed-in page
 */
export function inBrowser(
  title: string,
  tests: (browser: Pick<TestBrowser, 'signIn'>) => void,
): void {
  const group = hasBrowser ? describe : describe.skip
  group(title, () => {
    let browser: TestBrowser
    beforeAll(async () => {
      browser = await TestBrowser.start()
    })
    afterAll(async () => {
      await browser[Symbol.asyncDispose]()
    })
    tests({ signIn: (...asked) => browser.signIn(...asked) })
  })
}

export interface SignedIn {
  readonly page: Page
  readonly context: BrowserContext
  /** errors on the page's console: refused by its policy, thrown by its scripts */
  readonly problems: readonly string[]
  /** requests to anywhere but the console */
  readonly foreign: readonly string[]
}

/** Begins to note how long the page's main thread is taken at a time. */
export async function watchLongTasks(page: Page): Promise<void> {
  await page.evaluate(`
    globalThis.longTaskObserver?.disconnect()
    globalThis.longTasks = []
    globalThis.longTaskObserver = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longTasks.push(duration)
    })
    globalThis.longTaskObserver.observe({ type: 'longtask' })
  `)
}

/** The longest since then, in milliseconds; 0 while none was longer than 50. */
export function longestTask(page: Page): Promise<number> {
  return page.evaluate('Math.max(0, ...globalThis.longTasks)')
}

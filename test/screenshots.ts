import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Agent } from '@centralpost/agents'
import type { Page } from 'playwright-core'
import { TestBrowser } from './support/browser.ts'
import { startConsole } from './support/console.ts'
import { eventually } from './support/eventually.ts'
import { TestHub } from './support/hub.ts'

// Draws every view of the operators' page, empty, full and broken, light and dark, on a desk and on a phone:
// npm run screenshots -- DIR

const folder = resolve(process.argv[2] ?? 'screenshots')
const only = process.argv[3]
const looks = [
  { name: 'desk-light', colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  { name: 'desk-dark', colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
  { name: 'wide-light', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { name: 'tablet-light', colorScheme: 'light', viewport: { width: 820, height: 1180 } },
  { name: 'phone-light', colorScheme: 'light', viewport: { width: 390, height: 844 } },
  { name: 'phone-dark', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const
const views = ['approvals', 'terminal', 'history', 'insights', 'rules', 'system'] as const

await mkdir(folder, { recursive: true })
await using it = await TestHub.start({
  agents: ['build', 'research', 'docs', 'operator-alice'],
  config: { approvals: { self_approval: true, pending: 900, pending_per_agent: 50 } },
})
await using served = await startConsole(it)
await using browser = await TestBrowser.start()
const pages: { name: string; page: Page }[] = []
for (const { name, ...look } of looks) {
  if (only !== undefined && name !== only) continue
  pages.push({ name, page: (await browser.signIn(served, look)).page })
}

async function shoot(what: string): Promise<void> {
  for (const { name, page } of pages) {
    await page.screenshot({ path: join(folder, `${what}-${name}.png`), animations: 'disabled' })
  }
}
async function show(address: string): Promise<void> {
  for (const { page } of pages) {
    await page.keyboard.press('Escape')
    await page.goto(`${served.url}/#/${address}`)
  }
  await delay(700)
}

for (const view of views) {
  await show(view)
  await shoot(`${view}-empty`)
}

const [build, research, docs] = [
  await it.agent('build'),
  await it.agent('research'),
  await it.agent('docs'),
]
const alice = await it.operator('alice')
await fill()
// messages of what was decided meanwhile go by themselves
await delay(7500)
await show('approvals')
await shoot('approvals-full')
for (const { page } of pages)
  await page.locator('.slip').filter({ hasText: 'mkdir -p dist' }).click()
await delay(600)
await shoot('approvals-chosen')
for (const { page } of pages)
  await page
    .getByRole('button', { name: /^Deny…/ })
    .last()
    .click()
await shoot('approvals-deny')
for (const { page } of pages) await page.keyboard.press('Escape')
for (const { page } of pages)
  await page
    .getByRole('button', { name: /^Comment…/ })
    .last()
    .click()
await shoot('approvals-comment')
for (const { page } of pages) await page.keyboard.press('Escape')
{
  for (const { page } of pages) {
    const back = page.getByRole('button', { name: /All waiting requests/ })
    if (await back.isVisible()) await back.click()
    await page.locator('.slip').filter({ hasText: 'mkdir -p site' }).click()
    await page.getByRole('button', { name: /^Always…/ }).click()
  }
  await delay(300)
  await shoot('approvals-always')
}
await hardToRead()
await show('terminal')
for (const { page } of pages)
  await page.getByLabel('Command', { exact: true }).fill('git push --force origin main')
await delay(800)
await shoot('terminal-full')
for (const { page } of pages) await page.getByLabel('Command', { exact: true }).fill('')
await show('history')
await shoot('history-full')
for (const { page } of pages) await page.getByLabel('Search the history').fill('no such file')
await delay(700)
await shoot('history-search')
for (const { page } of pages) await page.getByLabel('Search the history').fill('')
await show('history/build/shown')
await shoot('history-detail')
await show('insights')
await shoot('insights-full')
for (const { page } of pages) await page.getByRole('tab', { name: 'What works' }).click()
await delay(400)
await shoot('insights-patterns')
for (const { page } of pages) await page.getByRole('tab', { name: 'Proposed rules' }).click()
await delay(400)
await shoot('insights-proposals')
for (const { page } of pages) {
  await page
    .getByRole('button', { name: /^Make this rule/ })
    .first()
    .click()
}
await delay(300)
await shoot('insights-accept')
await show('rules')
for (const { page } of pages) {
  await page
    .getByLabel('How would a command be judged?')
    .fill('git status && rm -rf ~ | tee /etc/passwd')
}
await delay(700)
await shoot('rules-full')
await show('system')
for (const { page } of pages)
  await page.getByRole('button', { name: 'Recompute the chain' }).click()
await delay(500)
await shoot('system-full')

await it.stopHub()
await delay(8000)
for (const view of views) {
  await show(view)
  await shoot(`${view}-broken`)
}
process.stdout.write(`the screenshots are in ${folder}\n`)

async function run(agent: Agent, command: string, more: object = {}): Promise<void> {
  const action = await agent.requestAction({ command, ...more })
  await action.result({ timeoutMs: 20_000 })
}

async function fill(): Promise<void> {
  await writeFile(
    join(it.workspace, 'tests.sh'),
    [
      'printf "\\033[1mrunning 214 tests\\033[0m\\n"',
      'for n in $(seq 1 400); do',
      '  printf "  \\033[32m✓\\033[0m module %03d keeps its promise \\033[2m(%d ms)\\033[0m\\n" $n $((n % 17))',
      '  [ $((n % 9)) = 0 ] && echo "warning: fixture $n is slow" >&2',
      '  sleep 0.1',
      'done',
    ].join('\n'),
  )
  await writeFile(join(it.workspace, 'notes.txt'), 'what we know\n')
  const shared = { workflowId: 'release-42' }
  for (let n = 0; n < 3; n += 1) {
    for (const command of ['ls -la', 'git --version', 'cat notes.txt', 'pwd', 'cat missing.txt']) {
      await run(build, command, shared)
      await run(research, command, { workflowId: 'survey' })
    }
  }
  await run(docs, 'rm -rf /')
  await run(docs, 'cat ~/.ssh/id_rsa')
  for (const name of ['one', 'two', 'three']) {
    const action = await build.requestAction({
      command: `mkdir ${name}`,
      ...shared,
      context: 'a place for the build',
    })
    await waits(action.actionId)
    await delay(300)
    await alice.approve(action.actionId)
    await action.result({ timeoutMs: 10_000 })
  }
  const denied = await docs.requestAction({
    command: 'pip install left-pad',
    context: 'needed for the site',
  })
  await waits(denied.actionId)
  await alice.deny(denied.actionId, 'not needed: the site has no Python', {
    suggestion: 'use what is there',
  })
  const always = await docs.requestAction({ command: 'touch site.html', workflowId: 'site' })
  await waits(always.actionId)
  await alice.approve(always.actionId, { decision: 'approve_always_command' })
  const shown = await build.requestAction({
    command: 'cp notes.txt copy.txt && cat copy.txt',
    actionId: 'shown',
    ...shared,
    context: 'the notes go along with the release',
  })
  await waits(shown.actionId)
  await alice.approve(shown.actionId, { comment: 'fine' })
  await shown.result({ timeoutMs: 10_000 })
  const tests = await build.requestAction({
    command: 'bash tests.sh',
    ...shared,
    context: 'the whole suite',
  })
  await waits(tests.actionId)
  await alice.approve(tests.actionId)
  const asked: readonly (readonly [Agent, string, object])[] = [
    [
      build,
      'mkdir -p dist && cp -r src/. dist/ && rm -rf dist/tmp "old builds"; pip install --upgrade build',
      {
        ...shared,
        context:
          'The release needs a clean dist folder.\nThe old builds are in the way, and build is two versions behind.',
        env: { SOURCE_DATE_EPOCH: '1764000000', CI: '1' },
      },
    ],
    [
      research,
      'sudo apt-get install --yes jq && curl -fsSL https://example.org/data.json -o data.json',
      {
        workflowId: 'survey',
        context: 'jq makes the tables; the data is public',
      },
    ],
    [docs, 'mkdir -p site', { workflowId: 'site', context: 'where the pages go' }],
    [
      docs,
      'cp notes.txt \u202etxt.setan\u202c             \u200bnotes-copy.txt',
      { context: 'a copy to be safe' },
    ],
    [research, 'pip install pandas==3.0.1', { workflowId: 'survey' }],
    [build, 'git push origin v4.2.0', { ...shared, context: 'the tag of the release' }],
    [build, 'touch made', shared],
  ]
  for (const [agent, command, more] of asked) {
    await agent.requestAction({ command, ...more })
    await delay(30)
  }
  await eventually(async () => (await alice.pending()).length >= asked.length - 2)
}

/** What a person must look at twice: what is not bound, a text of many lines, characters that hide, the same thing twice. */
async function hardToRead(): Promise<void> {
  await mkdir(join(it.workspace, 'checks'))
  for (const name of ['links', 'style'])
    await writeFile(join(it.workspace, 'checks', `${name}.sh`), 'true\n')
  const lines = Array.from({ length: 60 }, (_, n) => `  - host: web-${n}\n    port: ${8000 + n}`)
  const commands = {
    unbound: 'for file in checks/*.sh; do bash "$file"; done',
    heredoc: `cat > hosts.yml <<'END'\nhosts:\n${lines.join('\n')}\nEND\n./deploy --hosts hosts.yml`,
    hidden:
      'g\u0456t push origin main\u200b --force\u00a0--no-verify \u202e# yrd\u202c && echo done\rls',
    same: 'npm publish --tag next',
  }
  for (const command of Object.values(commands)) await research.requestAction({ command })
  for (let n = 0; n < 2; n += 1) await research.requestAction({ command: commands.same })
  await eventually(async () => {
    const pending = await alice.pending()
    return pending.filter(({ command }) => command === commands.same).length === 3
  })
  await show('approvals')
  for (const [name, text] of [
    ['unbound', 'for file in checks'],
    ['heredoc', 'hosts.yml'],
    ['hidden', 'push origin main'],
    ['same', commands.same],
  ] as const) {
    for (const { page } of pages) {
      const back = page.getByRole('button', { name: /All waiting requests/ })
      if (await back.isVisible()) await back.click()
      await page.locator('.slip').filter({ hasText: text }).first().click()
    }
    await delay(500)
    await shoot(`approvals-${name}`)
  }
  for (const { page } of pages) {
    const back = page.getByRole('button', { name: /All waiting requests/ })
    if (await back.isVisible()) await back.click()
    for (const text of ['for file in checks', 'hosts.yml', commands.same]) {
      const row = page.locator('li.request').filter({ hasText: text }).first()
      await row.getByRole('checkbox').check()
    }
    await page.locator('.marked-bar').getByRole('button', { name: 'Approve…' }).click()
  }
  await delay(500)
  await shoot('approvals-many')
  for (const { page } of pages) await page.keyboard.press('Escape')
}

async function waits(actionId: string): Promise<void> {
  await eventually(async () => (await alice.pending()).some((one) => one.action_id === actionId))
}

import { signal } from '@preact/signals'
import { isSignedOut, signOut } from './api.ts'
import { ApprovalsView } from './approvals/approvals-view.tsx'
import { second } from './clock.ts'
import { HistoryView } from './history/history-view.tsx'
import { InsightsView } from './insights/insights-view.tsx'
import { address, go, route, type ViewName, viewNames } from './route.ts'
import { RulesView } from './rules/rules-view.tsx'
import { connection, hub, me, pending, running, trouble } from './store.ts'
import { SystemView } from './system/system-view.tsx'
import { TerminalView } from './terminal/terminal-view.tsx'
import { duration } from './text/format.ts'
import { HelpDialog } from './ui/help-dialog.tsx'
import { Icon, Mark } from './ui/icons.tsx'
import { useKeys } from './ui/keys.ts'
import { announcement } from './ui/notify.ts'
import { SettingsDialog } from './ui/settings-dialog.tsx'
import { Toasts } from './ui/toasts.tsx'

const labels: Readonly<Record<ViewName, string>> = {
  approvals: 'Approvals',
  terminal: 'Terminal',
  history: 'History',
  insights: 'Insights',
  rules: 'Rules',
  system: 'System',
}
const openDialog = signal<'help' | 'settings' | null>(null)
const closeDialog = (): void => {
  openDialog.value = null
}

export function App() {
  useKeys({
    '?': () => {
      openDialog.value = 'help'
    },
    ...Object.fromEntries(viewNames.map((view, at) => [String(at + 1), () => go(view)])),
    c: () => {
      go('terminal')
      setTimeout(() => document.getElementById('command-line')?.focus(), 50)
    },
  })
  if (isSignedOut.value) return <SignedOut />
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Rail />
      <main id="main" tabIndex={-1}>
        <Trouble />
        <View name={route.value.view} />
      </main>
      <Toasts />
      <div class="unheard" role="log" aria-live="polite">
        {announcement.value}
      </div>
      {openDialog.value === 'help' && <HelpDialog close={closeDialog} />}
      {openDialog.value === 'settings' && <SettingsDialog close={closeDialog} />}
    </>
  )
}

function skip(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

function View({ name }: { readonly name: ViewName }) {
  switch (name) {
    case 'approvals':
      return <ApprovalsView />
    case 'terminal':
      return <TerminalView />
    case 'history':
      return <HistoryView />
    case 'insights':
      return <InsightsView />
    case 'rules':
      return <RulesView />
    case 'system':
      return <SystemView />
  }
}

function Rail() {
  const counts: Partial<Record<ViewName, number>> = {
    approvals: pending.value.size,
    terminal: running.value.size,
  }
  return (
    <header class="rail">
      <a class="brand" href="#/approvals">
        <Mark />
        <span>CentralPost</span>
      </a>
      <nav aria-label="Views">
        {viewNames.map((view) => (
          <a
            key={view}
            href={address(view)}
            aria-current={route.value.view === view ? 'page' : undefined}
            title={labels[view]}
          >
            <Icon name={view} />
            <span class="label">{labels[view]}</span>
            {(counts[view] ?? 0) > 0 && <span class={`count ${view}`}>{counts[view]}</span>}
          </a>
        ))}
      </nav>
      <div class="foot">
        <HubLine />
        <div class="tools">
          <button
            type="button"
            class="quiet"
            title="This browser’s settings"
            aria-label="Settings"
            onClick={() => {
              openDialog.value = 'settings'
            }}
          >
            <Icon name="settings" />
          </button>
          <button
            type="button"
            class="quiet"
            title="Keys (?)"
            aria-label="Keys"
            onClick={() => {
              openDialog.value = 'help'
            }}
          >
            <Icon name="help" />
          </button>
          <button
            type="button"
            class="quiet"
            title="Sign out"
            aria-label="Sign out"
            onClick={() => void signOut()}
          >
            <Icon name="leave" />
          </button>
        </div>
      </div>
    </header>
  )
}

function HubLine() {
  const isUp = trouble.value === null && connection.value === 'open'
  const name = hub.value?.hubs[0]?.hub_id ?? 'hub'
  return (
    <a class="hub-line" href={address('system')}>
      <span class={isUp ? 'dot up' : 'dot away'} />
      <span class="names">
        <strong>{me.value?.operator ?? '…'}</strong>
        <span>
          {connection.value === 'connecting' ? 'connecting' : isUp ? `at ${name}` : 'not connected'}
        </span>
      </span>
    </a>
  )
}

const explanations = {
  'console-away': {
    title: 'The console does not answer',
    text:
      'This page shows the last known state. It reconnects by itself; if not, check that ' +
      '`centralpost console` or `centralpost up` still runs.',
  },
  'broker-away': {
    title: 'The broker is away',
    text: 'Decisions need the broker. Nothing is lost: agents keep their requests, and waiting actions keep waiting.',
  },
  'hub-away': {
    title: 'The hub is away',
    text:
      'Decisions need the hub. The broker keeps requests, and waiting actions keep waiting; ' +
      'those that expire meanwhile end when the hub is back.',
  },
} as const

function Trouble() {
  const what = trouble.value
  if (what === null) return null
  void second.value
  const since = hub.value === null || what === 'console-away' ? null : hub.value.since
  const seconds = since === null ? null : Math.max(0, (Date.now() - Date.parse(since)) / 1000)
  return (
    <div class="trouble" role="alert">
      <strong>{explanations[what].title}</strong>
      {seconds !== null && <span class="since">for {duration(Math.floor(seconds))}</span>}
      <p>{explanations[what].text}</p>
    </div>
  )
}

function SignedOut() {
  return (
    <main class="signed-out" id="main">
      <Mark />
      <h1>You are signed out</h1>
      <p>Sessions end by themselves. Make a new link on the machine of the hub:</p>
      <pre>
        <code>npx centralpost console --link</code>
      </pre>
    </main>
  )
}

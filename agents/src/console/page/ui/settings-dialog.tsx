import { signOut } from '../api.ts'
import { allowNotifications } from './notify.ts'
import { Dialog } from './dialog.tsx'
import { notifies, sounds, theme, themes } from './settings.ts'
import { toast } from './toasts.tsx'

export function SettingsDialog({ close }: { readonly close: () => void }) {
  return (
    <Dialog title="This browser" close={close}>
      <fieldset class="choices">
        <legend>Colours</legend>
        {themes.map((name) => (
          <label key={name}>
            <input
              type="radio"
              name="theme"
              checked={theme.value === name}
              onChange={() => {
                theme.value = name
              }}
            />
            {name === 'auto' ? 'as the system' : name}
          </label>
        ))}
      </fieldset>
      <fieldset class="choices">
        <legend>When a request arrives</legend>
        <label>
          <input
            type="checkbox"
            checked={notifies.value}
            onChange={(event) => void toggleNotify(event.currentTarget.checked)}
          />
          a notification, while this page is in the background
        </label>
        <label>
          <input
            type="checkbox"
            checked={sounds.value}
            onChange={(event) => {
              sounds.value = event.currentTarget.checked
            }}
          />
          a sound
        </label>
      </fieldset>
      <div class="buttons">
        <button type="button" class="primary" onClick={close}>
          Done
        </button>
        <button type="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </Dialog>
  )
}

async function toggleNotify(wanted: boolean): Promise<void> {
  notifies.value = wanted && (await allowNotifications())
  if (wanted && !notifies.value) {
    toast('bad', 'This browser does not allow notifications for this page; its settings decide.')
  }
}

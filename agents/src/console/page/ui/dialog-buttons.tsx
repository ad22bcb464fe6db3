/** The buttons of a dialog: confirm and cancel. */
export function DialogButtons({
  yes,
  send,
  kind = '',
  disabled = false,
  no = 'Go back',
  close,
  cautious = false,
}: {
  readonly yes: string
  /** absent: submits the surrounding form */
  readonly send?: () => void
  readonly kind?: 'deny' | ''
  readonly disabled?: boolean
  readonly no?: string
  readonly close: () => void
  /** whether Enter initially cancels */
  readonly cautious?: boolean
}) {
  return (
    <div class="buttons">
      <button
        type={send === undefined ? 'submit' : 'button'}
        class={`primary ${kind}`.trimEnd()}
        disabled={disabled}
        onClick={send}
      >
        {yes}
      </button>
      <button type="button" autofocus={cautious} onClick={close}>
        {no}
      </button>
    </div>
  )
}

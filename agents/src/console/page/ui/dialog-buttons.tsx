/** The end of a question: the yes, and the way back. */
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
  /** absent: the form around it is sent */
  readonly send?: () => void
  readonly kind?: 'deny' | ''
  readonly disabled?: boolean
  readonly no?: string
  readonly close: () => void
  /** whether the way back is what Enter does at first */
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

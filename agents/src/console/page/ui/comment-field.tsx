/** What an approver says about their yes. It is recorded, and not needed. */
export function CommentField({
  text,
  change,
  isFirst = false,
}: {
  readonly text: string
  readonly change: (text: string) => void
  /** whether the question is about the comment: it has the focus, and needs one */
  readonly isFirst?: boolean
}) {
  return (
    <label class="field">
      <span>
        Comment, kept in the history {!isFirst && <span class="muted">(if you like)</span>}
      </span>
      <input
        autofocus={isFirst}
        required={isFirst}
        maxLength={1024}
        value={text}
        onInput={(event) => change(event.currentTarget.value)}
      />
    </label>
  )
}

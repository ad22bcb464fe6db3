/** An optional comment on an approval. Recorded in the history. */
export function CommentField({
  text,
  change,
  isFirst = false,
}: {
  readonly text: string
  readonly change: (text: string) => void
  /** whether the dialog asks for the comment: it is focused, and required */
  readonly isFirst?: boolean
}) {
  return (
    <label class="field">
      <span>
        Comment, recorded in the history {!isFirst && <span class="muted">(optional)</span>}
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

import { Shown } from '../text/shown.tsx'

/** Text around search hits; the hub marks each hit with two private-use characters. */
export function Snippet({ text }: { readonly text: string }) {
  const parts = text.split(/(\u{E000}[^\u{E001}]*\u{E001})/u)
  return (
    <span class="snippet">
      {parts.map((part) =>
        part.startsWith('\u{E000}') ? (
          <mark>
            <Shown text={part.slice(1, -1)} lines />
          </mark>
        ) : (
          <Shown text={part} lines />
        ),
      )}
    </span>
  )
}

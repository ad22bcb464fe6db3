import { visible } from '@centralpost/shared/visible'

/** What reorders or hides other characters, and the controls beyond ASCII. The others are the terminal's own language. */
const treacherous =
  /[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}\u0080-\u009f]/gu

/** Output as it may be drawn: what cannot be seen, and is not the language of terminals, is spelled out. */
export function harmless(text: string): string {
  return text.replace(treacherous, (character) => visible(character))
}

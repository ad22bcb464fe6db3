import { visible } from '@centralpost/shared/visible'

/**
 * Characters that reorder or hide others, and controls beyond ASCII. Terminals need the ASCII
 * controls.
 */
const treacherous =
  /[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}\u0080-\u009f]/gu

/**
 * Output made safe to draw: invisible characters other than terminal control sequences are spelled
 * out.
 */
export function harmless(text: string): string {
  return text.replace(treacherous, (character) => visible(character))
}

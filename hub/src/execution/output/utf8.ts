/** Decodes bytes: invalid UTF-8 becomes U+FFFD, NUL and a byte order mark stay. */
export function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/** The length of a text as a JSON string, in bytes. */
export function encodedBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}

/** The byte length of the character that starts with this byte, 0 for a continuation byte. */
export function characterBytes(lead: number): number {
  if (lead < 0x80) return 1
  if (lead >= 0xc2 && lead <= 0xdf) return 2
  if (lead >= 0xe0 && lead <= 0xef) return 3
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0
}

/** Whether this is a continuation byte. */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

/** Removes an incomplete character from the end of `bytes`. */
export function trimEnd<T extends Uint8Array>(bytes: T): T {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] as number
    if (isContinuation(byte)) continue
    return characterBytes(byte) > back ? (bytes.subarray(0, bytes.length - back) as T) : bytes
  }
  return bytes
}

/** Removes an incomplete character from the beginning of `bytes`. */
export function trimStart(bytes: Buffer): Buffer {
  let start = 0
  while (start < 3 && start < bytes.length && isContinuation(bytes[start] as number)) start += 1
  return bytes.subarray(start)
}

/** Bytes as text: what is not UTF-8 becomes U+FFFD, NUL and a byte order mark stay. */
export function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/** How long a text is as a JSON string, in bytes. */
export function encodedBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}

/** How many bytes the character beginning with this byte has, 0 for a byte that begins none. */
export function characterBytes(lead: number): number {
  if (lead < 0x80) return 1
  if (lead >= 0xc2 && lead <= 0xdf) return 2
  if (lead >= 0xe0 && lead <= 0xef) return 3
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0
}

/** Whether this byte can only stand inside a character. */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

/** Cuts a character off that the end of `bytes` splits. */
export function trimEnd<T extends Uint8Array>(bytes: T): T {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] as number
    if (isContinuation(byte)) continue
    return characterBytes(byte) > back ? (bytes.subarray(0, bytes.length - back) as T) : bytes
  }
  return bytes
}

/** Cuts a character off that the beginning of `bytes` splits. */
export function trimStart(bytes: Buffer): Buffer {
  let start = 0
  while (start < 3 && start < bytes.length && isContinuation(bytes[start] as number)) start += 1
  return bytes.subarray(start)
}

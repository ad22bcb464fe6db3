/** Memory that is really there, as a hub that has worked for long holds it. */
export function holdMemory(mebibytes: number): Buffer {
  return Buffer.alloc(mebibytes * 1024 * 1024, 1)
}

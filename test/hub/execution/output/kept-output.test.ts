import * as fc from 'fast-check'
import { describe, expect, test } from '@jest/globals'
import { KeptOutput } from '#hub/execution/output/kept-output.ts'
import { encodedBytes } from '#hub/execution/output/utf8.ts'

function keep(bound: number, chunks: readonly Uint8Array[]): KeptOutput {
  const kept = new KeptOutput(bound)
  for (const chunk of chunks) kept.push(Buffer.from(chunk))
  return kept
}

const chunks = fc.array(fc.uint8Array({ maxLength: 300, size: 'max' }), {
  maxLength: 20,
  size: 'max',
})
const letters = fc.array(
  fc.string({ unit: fc.constantFrom('a', 'b', 'é', '€', '😀'), maxLength: 60, size: 'max' }),
  { maxLength: 30, size: 'max' },
)
const bound = fc.integer({ min: 128, max: 600 })

describe('what is kept of a stream', () => {
  test('is all of it up to the bound', () => {
    fc.assert(
      fc.property(letters, bound, (texts, limit) => {
        const whole = texts.join('')
        const captured = keep(
          limit,
          texts.map((text) => Buffer.from(text)),
        ).capture()
        const complete = Buffer.byteLength(whole) <= limit
        expect(captured).toMatchObject({
          complete,
          bytes: Buffer.byteLength(whole),
          ...(complete && { text: whole }),
        })
      }),
    )
  })

  test('is past the bound its head and its tail, whole characters, and the count of the rest', () => {
    fc.assert(
      fc.property(letters, bound, (texts, limit) => {
        const whole = texts.join('')
        fc.pre(Buffer.byteLength(whole) > limit)
        const { text, bytes } = keep(
          limit,
          texts.map((part) => Buffer.from(part)),
        ).capture()

        expect(bytes).toBe(Buffer.byteLength(whole))
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit)
        const [, head = '', left = '', tail = ''] =
          /^(.*)\n… (\d+) bytes left out …\n(.*)$/s.exec(text) ?? []
        expect(whole.startsWith(head) && whole.endsWith(tail)).toBe(true)
        expect(Buffer.byteLength(head) + Buffer.byteLength(tail) + Number(left)).toBe(bytes)
      }),
    )
  })

  test('does not depend on how the stream was cut', () => {
    fc.assert(
      fc.property(chunks, bound, (parts, limit) => {
        const apart = keep(limit, parts)
        const whole = Buffer.concat(parts)
        const together = keep(limit, [whole])

        expect(apart.capture()).toEqual(together.capture())
        expect(apart.tailText(50)).toBe(together.tailText(50))
      }),
    )
  })

  test('is never long as JSON', () => {
    fc.assert(
      fc.property(chunks, bound, (parts, limit) => {
        expect(encodedBytes(keep(limit, parts).capture().text)).toBeLessThanOrEqual(limit * 1.5)
      }),
    )
  })

  test('ends with its last bytes, far past the bound too', () => {
    const kept = keep(
      1000,
      Array.from({ length: 5000 }, (_, index) => Buffer.from(`${index},`)),
    )

    expect(kept.tailText(10)).toBe('4998,4999,')
  })
})

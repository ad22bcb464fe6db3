import { describe, expect, test } from '@jest/globals'
import { describeConfined } from '../hub/execution/sandbox/confined.ts'
import { TempDir } from '../support/temp-dir.ts'
import { hostileLines } from './slip/lines.ts'
import { payloadsOf, unseen } from './slip/payloads.ts'
import { type Outer, runSlips } from './slip/throw-away.ts'

/** More by hand: CENTRALPOST_SLIPS=2000 npm run jest -- test/attack/slip.test.ts */
const most = Number(process.env['CENTRALPOST_SLIPS'] ?? 160)
const seed = 20_261_130
const wholeMs = 900_000
const nobody = 65_534

const users = process.getuid?.() === 0 ? [undefined, nobody] : [undefined]

async function slips(options: Omit<Outer, 'root'>) {
  await using dir = await TempDir.make()
  const { holes, ...counts } = await runSlips({ ...options, root: dir.path })
  process.stderr.write(`slips: ${JSON.stringify({ ...counts, holes: holes.length })}\n`)
  return { holes, ...counts }
}

describeConfined('where nothing confines them', () => {
  test('the payloads of this attack do what they are for', async () => {
    const { holes } = await slips({ lines: [], hasSandbox: true, isOpen: true })
    const done = new Set(holes.map(({ name }) => name))
    const places = {
      workspace: '',
      home: '',
      data: '',
      outside: '',
      socket: '',
      port: 0,
      victim: 0,
    }
    const expected = Object.keys(payloadsOf(places)).filter((name) => !unseen.includes(name))
    expect(expected.filter((name) => !done.has(name))).toEqual([])
  })
})

describeConfined('where the classifier calls any text SAFE', () => {
  describe.each(users)('and the hub runs as %s', (uid) => {
    const who = uid === undefined ? {} : { uid }

    test(
      'nothing outside changes, no secret is told, nothing is left',
      async () => {
        const lines = hostileLines(most, seed)
        const { holes, ran, profiles } = await slips({ lines, hasSandbox: true, ...who })
        expect(holes).toEqual([])
        expect(profiles).not.toHaveProperty('none')
        expect(ran).toBeGreaterThan(most / 2)
      },
      wholeMs,
    )

    test(
      'a person is asked where there is no sandbox, but for what opens no file',
      async () => {
        const lines = hostileLines(most * 4, seed)
        const { holes, asked } = await slips({ lines, hasSandbox: false, ...who })
        expect(holes).toEqual([])
        expect(asked).toBeGreaterThan(lines.length * 0.9)
      },
      wholeMs,
    )
  })
})

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** The options that a program really has, as its manual and its help name them. */
export interface Options {
  /** letters, each with whether a value follows */
  readonly short: ReadonlyMap<string, boolean>
  /** names after two dashes */
  readonly long: ReadonlyMap<string, boolean>
  /** names after one dash, as of find and openssl */
  readonly single: ReadonlySet<string>
}

const sections = [1, 8, 6]
const manuals = '/usr/share/man'
const longestManual = 2_000_000

/**
 * Reads the options of an installed program from its manual page or, without one, from what it prints for `--help`.
 *
 * @param name of the manual: `ls`, `git-log`
 * @param asking the words that print the program's help; run confined, without network
 */
export function optionsOf(name: string, asking: readonly string[]): Options {
  // asking takes a second where a program waits for something
  const text = manualOf(name) || helpOf(asking)
  const short = new Map<string, boolean>()
  const long = new Map<string, boolean>()
  const single = new Set<string>()
  for (const [, option = '', value] of text.matchAll(
    /(?<![\w-])--([A-Za-z][\w-]*)(\[?=|[ =]<?[A-Z][A-Z_-]+\b)?/g,
  ))
    long.set(option, long.get(option) === true || value !== undefined)
  for (const [, letter = '', value] of text.matchAll(
    /(?<![\w-])-([A-Za-z0-9])(?![\w-])( ?<?[A-Z][A-Z_-]*\b)?/g,
  ))
    short.set(letter, short.get(letter) === true || value !== undefined)
  for (const [, word = ''] of text.matchAll(/(?<![\w-])-([a-z][\w-]{2,})/g)) single.add(word)
  return { short, long, single }
}

function manualOf(name: string): string {
  for (const section of sections) {
    const path = `${manuals}/man${section}/${name}.${section}.gz`
    if (!existsSync(path)) continue
    const source = gunzipSync(readFileSync(path)).subarray(0, longestManual).toString('latin1')
    return source
      .replaceAll(/\\f(?:\[[^\]]*\]|.)/g, '')
      .replaceAll('\\-', '-')
      .replaceAll('\\ ', ' ')
      .replaceAll(/^\.(?:B|I|BI|BR|IB|RB|IR|RI|TP|IP|SM)\b ?/gm, ' ')
      .replaceAll('"', '')
  }
  return ''
}

function helpOf(asking: readonly string[]): string {
  const confined = ['--ro-bind', '/', '/', '--dev', '/dev', '--tmpfs', '/tmp', '--unshare-all']
  const { stdout, stderr } = spawnSync('bwrap', [...confined, '--chdir', '/', ...asking], {
    encoding: 'utf8',
    timeout: 1000,
    killSignal: 'SIGKILL',
    maxBuffer: longestManual,
    input: '',
  })
  return `\n${stdout ?? ''}\n${stderr ?? ''}`
}

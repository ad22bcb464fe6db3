import { isIPv6 } from 'node:net'
import type { CheckInput } from './check.ts'

/** Words of connection filters besides addresses. */
const filterWord =
  /^(?:state|exclude|established|syn-sent|syn-recv|fin-wait-[12]|time-wait|closed?|close-wait|last-ack|listen(?:ing)?|closing|all|connected|synchronized|bucket|big|bound-inactive|dst|src|dport|sport|dev|and|or|not|autobound|eq|ne|neq|[lg][et]|[<>=!]{1,2}|[()]|&&|\|\|)$/
const octet = String.raw`(?:25[0-5]|2[0-4]\d|1?\d?\d)`
/** Octets as a filter of connections takes them, and a port or a service by its name. */
const fourth = new RegExp(
  String.raw`^(?:${octet}(?:\.${octet}){0,3}(?:/\d{1,2})?|\*)?(?::(?:[\w-]+|\*))?$`,
)
const sixth = /^\[?([\da-f:.]+)\]?(?:\/\d{1,3})?(?::(?:[\w-]+|\*))?$/i

/** Whether an address is a number: of `cafe:80` the machine would be asked for. */
function isNumeric(word: string): boolean {
  return fourth.test(word) || isIPv6(sixth.exec(word)?.[1] ?? '')
}

/**
 * Refuses names of machines: finding out their address asks the network, and says to whoever answers what was asked.
 * Reads `lsof -i@HOST` and the filters of `ss`.
 */
export function refuseHostNames({ words, read }: CheckInput): string | undefined {
  const program = words[0]?.value
  const isFilter = program === 'ss' || program === '/usr/bin/ss'
  for (const at of isFilter ? read.operands : []) {
    const name = words[at]?.value
      .split(/\s+/)
      .find((word) => word !== '' && !filterWord.test(word) && !isNumeric(word))
    if (name !== undefined) return `${name} may be the name of another machine`
  }
  const address = /@(?![\d[])[\w.-]+/
  const named = isFilter ? undefined : words.find(({ value }) => address.test(value))
  return named === undefined ? undefined : `${named.value} may be the name of another machine`
}

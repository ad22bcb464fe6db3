import { createContext, Script } from 'node:vm'

/** Processor time of this thread, the best of some tries: a busy machine makes no pattern slow. */
const mostCpuMs = 100
const tries = 4
const mostMs = 2000
const probeLength = 2048

/** The fault of a pattern, or undefined: it must compile and stay fast on hostile text. */
export function lintPattern(source: string): string | undefined {
  const fault = compileFault(source)
  if (fault !== undefined) return fault
  if (hasNestedQuantifier(source))
    return 'a repetition inside a repetition can take exponential time'
  return lintCondition(source)
}

/** The same for a pattern inside a condition, which may nest repetitions as long as they are fast. */
export function lintCondition(source: string): string | undefined {
  const fault = compileFault(source)
  if (fault !== undefined) return fault
  return probe(source) ? undefined : `takes more than ${mostCpuMs} ms on ${probeLength} characters`
}

function compileFault(source: string): string | undefined {
  try {
    void new RegExp(source)
    return undefined
  } catch (error) {
    return Error.isError(error) ? error.message : 'not a regular expression'
  }
}

/** A probable mistake in a pattern, or undefined. Does not refuse the file. */
export function suspectPattern(
  source: string,
  level: 'safe' | 'review' | 'blocked',
): string | undefined {
  if (level === 'safe' && !source.startsWith('^'))
    return 'a safe pattern that is not anchored with ^'
  if (/^\^[A-Za-z0-9_-]+$/.test(source)) return 'matches every program whose name begins so'
  return undefined
}

function hasNestedQuantifier(source: string): boolean {
  const outer: boolean[] = []
  let repeats = false
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at]
    if (char === '\\') at += 1
    else if (char === '[') at = endOfClass(source, at)
    else if (char === '(') {
      outer.push(repeats)
      repeats = false
    } else if (char === ')') {
      const repeated = isUnbounded(source, at + 1)
      if (repeated && repeats) return true
      repeats = repeats || repeated || (outer.pop() ?? false)
    } else if (isUnbounded(source, at)) repeats = true
  }
  return false
}

function isUnbounded(source: string, at: number): boolean {
  const char = source[at]
  return (
    char === '*' || char === '+' || (char === '{' && /^\{\d+,\}/.test(source.slice(at, at + 8)))
  )
}

function endOfClass(source: string, at: number): number {
  let end = at + 1
  if (source[end] === '^') end += 1
  if (source[end] === ']') end += 1
  while (end < source.length && source[end] !== ']') end += source[end] === '\\' ? 2 : 1
  return end
}

const probeScript = new Script(
  'for (const subject of subjects) new RegExp(source, "i").test(subject)',
)

/** Tries the pattern on text that begins as it wants and then goes on in ways that make it backtrack. */
function probe(source: string): boolean {
  // With one repetition the work is at most quadratic, which the length of the subject bounds.
  if ((source.match(/[*+]|\{\d+,\}/g) ?? []).length < 2) return true
  const head = literalHead(source)
  const subjects = ['a', ' a', 'a/', '-a ', '.', "'", 'aA0_ '].map(
    (unit) => head + unit.repeat(probeLength / unit.length) + '\u0001',
  )
  return Array.from({ length: tries }).some(() => isFast(source, subjects))
}

function isFast(source: string, subjects: readonly string[]): boolean {
  const before = process.threadCpuUsage()
  try {
    probeScript.runInContext(createContext({ source, subjects }), { timeout: mostMs })
  } catch {
    // Only the time limit can throw here: the pattern compiled before.
    return false
  }
  return process.threadCpuUsage(before).user / 1000 < mostCpuMs
}

function literalHead(source: string): string {
  const text = source
    .replace(/^\^/, '')
    .replaceAll(/\\[sb][+*]?/g, ' ')
    .replaceAll(/\\(.)/g, '$1')
  return /^[^()[\]{}*+?|.$]*/.exec(text)?.[0] ?? ''
}

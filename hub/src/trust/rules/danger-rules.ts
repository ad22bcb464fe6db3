import type { PathPolicy } from './path-rules.ts'
import type { Shape } from './command-shape.ts'
import { split } from './options.ts'
import type { DangerSource } from './rule-schema.ts'

/** Rules for every program look for code, which is longer than this. */
const shortestCode = 12
const noRules: readonly DangerRule[] = []

/** A compiled condition for REVIEW or BLOCKED. */
export interface DangerRule {
  readonly id: string
  readonly reason: string
  readonly suggestion: string | undefined
  readonly risk: number
  matches(shape: Shape, paths: PathPolicy): boolean
}

export interface DangerIndex {
  find(shape: Shape, paths: PathPolicy): DangerRule | undefined
  /** All rules of the shape's program that hold. */
  all(shape: Shape, paths: PathPolicy): readonly DangerRule[]
}

/** Compiles danger rules and indexes them by program. */
export function compileDangers(sources: readonly DangerSource[]): DangerIndex {
  const byProgram = new Map<string, DangerRule[]>()
  const anywhere: DangerRule[] = []
  for (const source of sources) {
    const rule = compile(source)
    const programs = typeof source.program === 'string' ? [source.program] : source.program
    if (!programs) anywhere.push(rule)
    for (const name of programs ?? []) byProgram.set(name, [...(byProgram.get(name) ?? []), rule])
  }
  return {
    all: (shape, paths) =>
      byProgram.get(shape.program)?.filter((rule) => rule.matches(shape, paths)) ?? noRules,
    find: (shape, paths) =>
      firstOf(byProgram.get(shape.program), shape, paths) ??
      (shape.program.includes('.')
        ? firstOf(byProgram.get(familyOf(shape.program)), shape, paths)
        : undefined) ??
      (anywhere.length > 0 && mayHoldCode(shape) ? firstOf(anywhere, shape, paths) : undefined),
  }
}

function firstOf(
  rules: readonly DangerRule[] | undefined,
  shape: Shape,
  paths: PathPolicy,
): DangerRule | undefined {
  return rules?.find((rule) => rule.matches(shape, paths))
}

/** `mkfs.ext4` is one of `mkfs.*`. */
function familyOf(program: string): string {
  return `${program.slice(0, program.indexOf('.'))}.*`
}

function compile(source: DangerSource): DangerRule {
  const conditions: DangerRule['matches'][] = []
  const flags = split(source.flags)
  if (flags.length > 0) conditions.push((shape) => hasFlag(shape.args, flags))
  if (source.recursive) conditions.push((shape) => hasFlag(shape.args, ['-r', '-R', '--recursive']))
  if (source.words !== undefined) {
    const words = new RegExp(`^(?:${source.words})$`, 's')
    conditions.push((shape) =>
      shape.args.some((arg, index) => !shape.isProse(index) && words.test(arg)),
    )
  }
  if (source.first !== undefined) {
    const first = new RegExp(`^(?:${source.first})(?:\\s|$)`)
    conditions.push((shape) => first.test(shape.operands()))
  }
  if (source.text !== undefined) {
    const text = new RegExp(source.text, 'i')
    conditions.push((shape) => text.test(source.sql ? shape.statements() : shape.text()))
  }
  if (source.target !== undefined) {
    const { target, at } = source
    conditions.push((shape, paths) => hasTarget(shape, paths, target, at))
  }
  return {
    id: source.id,
    reason: source.reason,
    suggestion: source.suggest,
    risk: source.risk ?? 0,
    matches: (shape, paths) => conditions.every((condition) => condition(shape, paths)),
  }
}

function mayHoldCode({ args, input }: Shape): boolean {
  return input !== undefined || args.some((arg) => arg.length >= shortestCode)
}

/** Whether an option is given: letters also inside clusters, long names also abbreviated or with a value. */
export function hasFlag(args: readonly string[], flags: readonly string[]): boolean {
  for (const arg of args) {
    if (arg.charCodeAt(0) !== 45 || arg.length < 2) continue
    if (flags.includes(arg) || (arg.startsWith('--') ? isLong(arg, flags) : isShort(arg, flags)))
      return true
  }
  return false
}

function isLong(arg: string, flags: readonly string[]): boolean {
  const equals = arg.indexOf('=')
  const name = equals < 0 ? arg : arg.slice(0, equals)
  return name.length >= 4 && flags.some((flag) => flag.startsWith(name))
}

function isShort(arg: string, flags: readonly string[]): boolean {
  const cluster = /^-[A-Za-z0-9]+/.exec(arg)?.[0]
  // A two-character flag may stand inside a cluster; a longer one is a word of its own (`-delete`).
  return (
    cluster !== undefined &&
    flags.some((flag) => flag.length === 2 && cluster.includes(flag[1] ?? ''))
  )
}

function hasTarget(
  shape: Shape,
  paths: PathPolicy,
  target: NonNullable<DangerSource['target']>,
  at: DangerSource['at'],
): boolean {
  if (at === 'here') return isTarget(shape.pathOf('.'), target, paths)
  const goal = at === undefined ? -1 : destinationOf(shape)
  return shape.args.some((_, index) => {
    if (at !== undefined && (at === 'destination') !== (index === goal)) return false
    return shape.pathsNamedBy(index).some((path) => isTarget(path, target, paths))
  })
}

function isTarget(
  path: string,
  target: NonNullable<DangerSource['target']>,
  paths: PathPolicy,
): boolean {
  switch (target) {
    case 'critical':
      return paths.isCritical(path)
    case 'device':
      return paths.isDevice(path)
    case 'essential':
      return paths.isEssential(path)
    case 'system-file':
      return paths.isSystemTarget(path)
    case 'store':
      return paths.isStore(path)
  }
}

/** The index of the destination argument: the last one, or that of `-t`. */
function destinationOf({ program, args }: Shape): number {
  const last = args.findLastIndex((arg) => !arg.startsWith('-'))
  if (program === 'mount' || program === 'rclone') return last
  const given = args.findIndex((arg) => /^(?:-[a-zA-Z]*t|--target-directory)$/.test(arg))
  if (given >= 0) return given + 1
  const attached = args.findIndex((arg) => arg.startsWith('--target-directory='))
  return attached >= 0 ? attached : last
}

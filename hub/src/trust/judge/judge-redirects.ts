import type { Redirect, Word } from '../shell/command-tree.ts'
import type { Finding } from './findings.ts'
import { privateFinding, review, secretFinding, secretVariable } from './findings.ts'
import { secrecyOf } from './judge-secrets.ts'
import { isHarmlessSink } from '../rules/path-rules.ts'
import { resolvePath } from '../shell/resolve-path.ts'
import { describeWord } from '../shell/print-command.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Grounds, Scope } from './scope.ts'

const sysrq = /^\/proc\/(?:sysrq-trigger|sys\/kernel\/(?:sysrq|core_pattern|modprobe))$/

/** Judges redirections: what they read, what they write, where they connect. */
export function judgeRedirects(
  redirects: readonly Redirect[],
  resolve: (word: Word) => ResolvedWord,
  scope: Scope,
  program: string,
  grounds: Grounds,
  findings: Finding[],
): void {
  for (const redirect of redirects) {
    const target = resolve(redirect.target)
    if (redirect.fdVariable !== undefined)
      findings.push(review('redirect', 'opens a descriptor by a variable'))
    if (redirect.operator === '<<' || redirect.operator === '<<<') {
      if (target.opaque !== undefined) findings.push(review('here-document', target.opaque))
      else if (redirect.operator === '<<' && (target.data || !target.value.endsWith('\n'))) {
        findings.push(review('here-document', 'a here-document that bash expands'))
      }
      if (target.secret !== undefined) findings.push(secretVariable(target.secret))
      continue
    }
    const duplicates =
      redirect.operator.endsWith('&') &&
      redirect.operator !== '&>' &&
      /^(?:\d+|-|\d+-)$/.test(target.value)
    if (duplicates && target.exact) continue
    judgeTarget(redirect, target, scope, program, grounds, findings)
  }
}

function judgeTarget(
  redirect: Redirect,
  target: ResolvedWord,
  scope: Scope,
  program: string,
  grounds: Grounds,
  findings: Finding[],
): void {
  const path = resolvePath(target.value, scope.cwd)
  if (/^\/dev\/(?:tcp|udp)\//.test(target.value)) {
    const isShell = grounds.policy.shells.has(program) || program === 'exec'
    findings.push(
      isShell
        ? { level: 'BLOCKED', rule: 'reverse-shell', reason: 'connects a shell to the network' }
        : review('network-redirect', 'opens a network connection'),
    )
    return
  }
  if (redirect.operator === '<') {
    if (target.data || target.glob || target.opaque !== undefined) {
      const isProcess = target.value === '/dev/fd/63'
      if (!isProcess)
        findings.push(review('redirect', 'reads a file that is only known when it runs'))
    }
    const secrecy = secrecyOf(target.value, target.glob, scope, grounds)
    if (secrecy === 'secret') findings.push(secretFinding(target.value))
    else if (secrecy === 'private') findings.push(privateFinding(target.value))
    return
  }
  if (target.exact && redirect.operator !== '<>' && isHarmlessSink(target.value)) return
  if (grounds.paths.isDevice(path) || sysrq.test(path)) {
    findings.push({ level: 'BLOCKED', rule: 'write-device', reason: `writes to ${path}` })
  } else if (grounds.paths.isSystemTarget(path) || isProtected(path, grounds)) {
    findings.push({
      level: 'BLOCKED',
      rule: 'write-system',
      reason: `writes to ${path}, which decides who may do what`,
    })
  } else if (grounds.paths.isEssential(path)) {
    findings.push({
      level: 'BLOCKED',
      rule: 'write-system',
      reason: `writes over ${path}, which every other program needs`,
    })
  } else findings.push(review('redirect', `writes to ${describeWord(redirect.target)}`))
}

function isProtected(path: string, grounds: Grounds): boolean {
  return grounds.protectedPaths.some((root) => path === root || path.startsWith(`${root}/`))
}

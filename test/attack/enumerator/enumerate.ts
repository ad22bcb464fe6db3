import { mkdirSync, mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { silentLogger } from '@centralpost/shared'
import { loadTrustRules } from '#hub/trust/load-trust-rules.ts'
import { TrustManager } from '#hub/trust/trust-manager.ts'
import { shippedRules } from '../../hub/trust/rules-in-force.ts'
import { layOutHostileProject } from '../../support/hostile-project.ts'
import { commandOf, type Subject, subjectsOf } from './forms.ts'
import { secretFiles } from './hostile-words.ts'
import { Random } from './random.ts'
import { runTraced } from './traced-run.ts'
import { type Violation, violationsOf } from './violations.ts'

export interface Limits {
  /** how many commands are made and judged */
  readonly forms: number
  /** how many of those that are SAFE are run */
  readonly runs: number
  readonly seed: number
  /** how many run at the same time */
  readonly inFlight: number
  /** only these programs; absent: all */
  readonly only?: readonly string[] | undefined
}

export interface Report {
  readonly programs: number
  readonly subjects: number
  readonly forms: number
  readonly safe: number
  readonly runs: number
  readonly found: readonly { readonly command: string; readonly violations: readonly Violation[] }[]
}

/**
 * Looks for the next hole: builds commands of the real options of every installed program that the rules know, and runs what
 * is called SAFE under a tracer. The same seed makes the same commands on the same machine.
 */
export async function enumerate(limits: Limits): Promise<Report> {
  const { policy } = await loadTrustRules(shippedRules)
  await using trust = await TrustManager.open({ rulesPath: shippedRules, log: silentLogger })
  const random = new Random(limits.seed)
  const all = subjectsOf(policy)
  const subjects = limits.only ? all.filter(({ program }) => limits.only?.includes(program)) : all
  const root = mkdtempSync(join(tmpdir(), 'enumerator-'))
  try {
    layOut(root)
    const trace = join(root, 'trace')
    mkdirSync(trace)
    const commands = new Set<string>()
    for (let tries = 0; commands.size < limits.forms && tries < limits.forms * 4; tries += 1)
      commands.add(commandOf(subjectAt(subjects, tries, random), random))
    const judged = [...commands].map((command) => ({
      command,
      judgement: trust.judge(command, { cwd: '/p', home: '/h' }),
    }))
    const safe = judged.filter(({ judgement }) => judgement.verdict.level === 'SAFE')
    const queue = safe.slice(0, limits.runs)
    const found: { command: string; violations: Violation[] }[] = []
    let runs = 0
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next; next = queue.pop()) {
        const { command, judgement } = next
        const name = `trace-${queue.length}`
        const seen = await runTraced(judgement.verdict.plan, root, trace, name)
        if (seen === null) continue
        runs += 1
        const violations = violationsOf(judgement, command, seen)
        if (violations.length > 0) found.push({ command, violations })
      }
    }
    await Promise.all(Array.from({ length: limits.inFlight }, work))
    const programs = new Set(subjects.map(({ program }) => program)).size
    return {
      programs,
      subjects: subjects.length,
      forms: commands.size,
      safe: safe.length,
      runs,
      found,
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Each in turn first, so that none is left out. */
function subjectAt(subjects: readonly Subject[], index: number, random: Random): Subject {
  return subjects[index % subjects.length] ?? random.pick(subjects)
}

/** The hostile project, with canaries and with files that lead a program elsewhere. */
function layOut(root: string): void {
  layOutHostileProject(root)
  const put = (path: string, text: string): void => {
    const whole = join(root, path)
    mkdirSync(dirname(whole), { recursive: true })
    writeFileSync(whole, text)
  }
  for (const path of secretFiles) put(path, 'API_TOKEN=CANARY-OF-THE-TEST\n')
  put('p/list', '.env\n/h/.ssh/id_rsa\n')
  put('p/list0', '.env\0/h/.ssh/id_rsa\0')
  put('p/evil.conf', 'DEFINE pager touch /p/ran\n')
  put('p/evil.awk', 'BEGIN { system("touch /p/ran") }\n')
  put('p/evil.sed', '1e touch /p/ran\n')
  chmodSync(join(root, 'p/evil'), 0o755)
}

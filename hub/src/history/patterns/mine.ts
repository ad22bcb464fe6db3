/** One ended action of a workflow, in order. */
export interface MinedStep {
  readonly executionId: number
  readonly form: number
  readonly isSuccess: boolean
}

export interface MinedSequence {
  readonly forms: readonly number[]
  /** workflows in which it succeeded */
  readonly support: number
  /** example executions, oldest first; for each occurrence one per step */
  readonly occurrences: readonly (readonly number[])[]
}

export interface MiningOptions {
  /** minimum number of workflows in which a sequence succeeded @default 3 */
  readonly leastSupport?: number
  /** maximal number of steps between two of a sequence @default 2 */
  readonly mostBetween?: number
  /** @default 8 */
  readonly longest?: number
}

interface Place {
  readonly workflow: number
  /** position of its last step */
  readonly at: number
  readonly ids: readonly number[]
}

interface Grown {
  readonly forms: readonly number[]
  readonly places: readonly Place[]
}

/** Minimum share of occurrences with this next step, and minimum ratio to chance. */
const leastConfidence = 0.25
const leastLift = 3
/** Accepted probability that any candidate looks like a pattern by chance. */
const mostChance = 0.01
const keptOccurrences = 20
const mostSequences = 5000

/**
 * Finds sequences that repeatedly succeeded inside workflows. Grows them step by step: each step
 * follows its predecessors far more often than its own frequency explains. Sequences explained by
 * longer ones are dropped.
 *
 * @param workflows the ended actions of each workflow, in order, without read-only ones
 * @param breathe awaited periodically, so that other work proceeds
 */
export async function mineSequences(
  workflows: readonly (readonly MinedStep[])[],
  options: MiningOptions = {},
  breathe: () => Promise<void> = () => Promise.resolve(),
): Promise<MinedSequence[]> {
  const { leastSupport = 3, mostBetween = 2, longest = 8 } = options
  const total = workflows.reduce((sum, steps) => sum + steps.length, 0)
  const starts = startsOf(workflows)
  const share = new Map(
    [...starts].map(([form, places]) => [form, places.length / Math.max(1, total)]),
  )
  const done: Grown[] = []
  const growing: Grown[] = []
  for (const [form, places] of starts) {
    if (workflowsOf(places) >= leastSupport) growing.push({ forms: [form], places })
  }
  const candidates = growing.length
  let rounds = 0
  while (growing.length > 0 && done.length < mostSequences) {
    const grown = growing.pop()
    if (grown === undefined) break
    rounds += 1
    if (rounds % 20 === 0) await breathe()
    const next = grown.forms.length >= longest ? [] : follow(workflows, grown, mostBetween)
    const kept = next.filter(({ form, places }) => {
      const support = workflowsOf(places)
      const expected = grown.places.length * (1 - (1 - (share.get(form) ?? 0)) ** (mostBetween + 1))
      return (
        support >= leastSupport &&
        places.length >= grown.places.length * leastConfidence &&
        places.length >= expected * leastLift &&
        // with this many candidates, some would follow often by chance
        chanceOf(places.length, expected) * candidates < mostChance
      )
    })
    for (const { form, places } of kept) growing.push({ forms: [...grown.forms, form], places })
    if (grown.forms.length >= 2) done.push(grown)
  }
  return maximal(done).map(({ forms, places }) => ({
    forms,
    support: workflowsOf(places),
    occurrences: places.slice(-keptOccurrences).map((place) => place.ids),
  }))
}

function startsOf(workflows: readonly (readonly MinedStep[])[]): Map<number, Place[]> {
  const starts = new Map<number, Place[]>()
  workflows.forEach((steps, workflow) => {
    steps.forEach((step, at) => {
      if (!step.isSuccess) return
      const places = starts.get(step.form)
      const place = { workflow, at, ids: [step.executionId] }
      if (places === undefined) starts.set(step.form, [place])
      else places.push(place)
    })
  })
  return starts
}

/**
 * The next steps after a sequence's occurrences, with positions. A failure in between ends the
 * search: later steps are a repair.
 */
function follow(
  workflows: readonly (readonly MinedStep[])[],
  grown: Grown,
  mostBetween: number,
): { readonly form: number; readonly places: Place[] }[] {
  const following = new Map<number, Place[]>()
  for (const place of grown.places) {
    const steps = workflows[place.workflow] ?? []
    const seen = new Set<number>(grown.forms)
    for (let at = place.at + 1; at <= place.at + 1 + mostBetween; at += 1) {
      const step = steps[at]
      if (step === undefined || !step.isSuccess) break
      if (seen.has(step.form)) continue
      seen.add(step.form)
      const places = following.get(step.form)
      const next = { workflow: place.workflow, at, ids: [...place.ids, step.executionId] }
      if (places === undefined) following.set(step.form, [next])
      else places.push(next)
    }
  }
  return [...following].map(([form, places]) => ({ form, places }))
}

function workflowsOf(places: readonly Place[]): number {
  return new Set(places.map((place) => place.workflow)).size
}

/** The sequences not contained in a longer one that explains most of their occurrences. */
function maximal(sequences: readonly Grown[]): Grown[] {
  const sorted = sequences.toSorted(
    (a, b) => b.forms.length - a.forms.length || b.places.length - a.places.length,
  )
  const kept: Grown[] = []
  for (const one of sorted) {
    const support = workflowsOf(one.places)
    const isPart = kept.some(
      (longer) => isWithin(one.forms, longer.forms) && workflowsOf(longer.places) >= support * 0.5,
    )
    if (!isPart) kept.push(one)
  }
  return kept
}

/** Whether a sequence is contained in another, in order. */
function isWithin(part: readonly number[], whole: readonly number[]): boolean {
  if (part.length > whole.length) return false
  let at = 0
  for (const form of whole) if (form === part[at]) at += 1
  return at === part.length
}

/** The probability of this many or more events with a given expectation (Poisson). */
function chanceOf(observed: number, expected: number): number {
  if (observed > 100 + expected * 2) return 0
  let term = Math.exp(-expected)
  let below = 0
  for (let n = 0; n < observed; n += 1) {
    below += term
    term *= expected / (n + 1)
  }
  return Math.max(0, 1 - below)
}

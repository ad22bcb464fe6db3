import { LLMAgent, type LLMAgentParts } from './llm-agent.ts'

/** Analyses: takes stock in the first half, draws conclusions in the second. */
export class AnalysisAgent extends LLMAgent {
  constructor(parts: LLMAgentParts) {
    super(
      {
        type: 'analysis',
        phases: [
          { name: 'taking stock', until: 0.5, looksOnly: true },
          { name: 'conclusion', until: 1, looksOnly: false },
        ],
      },
      parts,
    )
  }
}

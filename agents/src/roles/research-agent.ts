import { LLMAgent, type LLMAgentParts } from './llm-agent.ts'

/** Finds things out: looks around first, then where it matters, then in depth. Asks for no change until late. */
export class ResearchAgent extends LLMAgent {
  constructor(parts: LLMAgentParts) {
    super(
      {
        type: 'research',
        phases: [
          { name: 'exploration', until: 0.3, looksOnly: true },
          { name: 'focused research', until: 0.7, looksOnly: true },
          { name: 'deep research', until: 1, looksOnly: false },
        ],
      },
      parts,
    )
  }
}

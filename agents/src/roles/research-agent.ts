import { LLMAgent, type LLMAgentParts } from './llm-agent.ts'

/**
 * Researches: a broad look first, then the relevant places, then in depth. Requests no change until
 * late.
 */
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

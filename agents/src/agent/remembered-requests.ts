import { CentralPostError } from '@centralpost/shared'
import { type AddressedRequest, contentOf } from './action-asked.ts'

/** The number of ids whose content is remembered. */
const maxRemembered = 10_000

/** The content requested under each id, so that one id never names two commands. */
export class RememberedRequests {
  readonly #contents = new Map<string, string>()

  /** @throws {CentralPostError} `conflict` when the id was used for something else */
  remember(request: AddressedRequest): void {
    const { action_id: actionId } = request
    const content = contentOf(request)
    const known = this.#contents.get(actionId)
    if (known !== undefined && known !== content) {
      throw new CentralPostError(
        'conflict',
        `action id "${actionId}" was used for another request; leave actionId out to get a new one`,
        { details: { action_id: actionId } },
      )
    }
    this.#contents.set(actionId, content)
    if (this.#contents.size <= maxRemembered) return
    for (const oldest of this.#contents.keys()) {
      this.#contents.delete(oldest)
      break
    }
  }
}

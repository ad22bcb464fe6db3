import { type ActionResult, visible } from '@centralpost/shared'

/** How an action ended, in one line. */
export function describeEnding(result: ActionResult): string {
  const how = [
    result.status.replace('_', ' '),
    result.exit_code === null ? '' : `exit code ${result.exit_code}`,
    result.signal ?? '',
    visible(result.reason ?? ''),
    result.suggestion === null ? '' : `instead: ${visible(result.suggestion)}`,
  ]
  return how.filter((part) => part !== '').join(', ')
}

import { type LogFields, type Logger, type LogLevel, logLevels } from '@centralpost/shared'

/** A log on stderr. Its writer is loaded with the first line: most commands write none. */
export function stderrLog(component: string, level: LogLevel): Logger {
  const shown = logLevels.slice(0, logLevels.indexOf(level) + 1)
  let opened: Promise<Logger> | undefined
  const open = async (): Promise<Logger> => {
    const { openLog } = await import('@centralpost/shared/file-logger')
    return openLog({ component, level, terminal: true })
  }
  const bind = (bound: LogFields): Logger => {
    const write =
      (at: LogLevel) =>
      (message: string, fields: LogFields = {}): void => {
        if (!shown.includes(at)) return
        opened ??= open()
        void opened.then((log) => log[at](message, { ...bound, ...fields }))
      }
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => bind({ ...bound, ...fields }),
    }
  }
  return bind({})
}

/** The file that a command fetches or packs something into, or writes what it reads into. */
export function writtenFile(program: string, args: readonly string[]): string | undefined {
  switch (program) {
    case 'curl':
      return (
        optionValue(args, /^-[a-zA-Z]*o$|^--output$/) ??
        (args.some((arg) => /^-[a-zA-Z]*O/.test(arg) || arg === '--remote-name')
          ? nameInAddress(args)
          : undefined)
      )
    case 'wget':
      return optionValue(args, /^-[a-zA-Z]*O$|^--output-document$/) ?? nameInAddress(args)
    case 'aria2c':
    case 'axel':
      return optionValue(args, /^-o$|^--out(?:put)?$/) ?? nameInAddress(args)
    case 'tar':
      return optionValue(args, /^-?[a-zA-Z]*f$|^--file$/)
    case 'zip':
      return args.find((arg) => !arg.startsWith('-'))
    case 'tee':
    case 'sponge':
      return args.find((arg) => !arg.startsWith('-'))
    default:
      return undefined
  }
}

function optionValue(args: readonly string[], option: RegExp): string | undefined {
  for (const [at, arg] of args.entries()) {
    if (option.test(arg)) return args[at + 1]
    const name = arg.split('=', 1)[0] ?? ''
    if (name !== arg && name.startsWith('--') && option.test(name))
      return arg.slice(name.length + 1)
    const attached = /^(-[oO])([^-].*)$/s.exec(arg)
    if (attached && option.test(attached[1] ?? '')) return attached[2]
  }
  return undefined
}

function nameInAddress(args: readonly string[]): string | undefined {
  const address = args.find((arg) => /^(?:https?|ftp):\/\//.test(arg))
  const path = address?.replace(/[?#].*$/s, '').replace(/^\w+:\/\/[^/]*/, '')
  return path === undefined ? undefined : path.slice(path.lastIndexOf('/') + 1) || 'index.html'
}

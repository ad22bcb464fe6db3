import type { ErrorCategory } from '@centralpost/shared'

/** What an ended process left to judge its failure by. */
export interface Ending {
  /** Name of the program, where it was one and not a script. */
  readonly program?: string | undefined
  readonly exitCode: number | null
  readonly signal: string | null
  /** The end of what it wrote to stderr. */
  readonly stderrTail: string
}

interface Sign {
  readonly category: ErrorCategory
  readonly pattern: RegExp
}

/** What programs say in English (LC_ALL=C.UTF-8). The most specific first: one line may fit several. */
const signs: readonly Sign[] = [
  {
    category: 'syntax',
    pattern:
      /syntax error|unexpected EOF while looking for|SyntaxError:|IndentationError:|TabError:|unexpected end of file|JSON\.?parse error|ParserError/,
  },
  {
    category: 'resource',
    pattern:
      /No space left on device|Disk quota exceeded|Cannot allocate memory|[Oo]ut of memory|MemoryError|std::bad_alloc|Too many open files|Argument list too long|Resource temporarily unavailable|File size limit exceeded|File too large|ENOSPC|ENOMEM|EMFILE|heap limit|Cannot fork/,
  },
  {
    category: 'network',
    pattern:
      /[Cc]ould not resolve|Name or service not known|Temporary failure in name resolution|Connection (refused|reset|timed out|closed by)|Network is unreachable|No route to host|Failed to connect|[Cc]ouldn't connect|nodename nor servname|getaddrinfo|ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH|TLS handshake|SSL (certificate|connection)|unable to access 'https?:|Temporary failure resolving|no such host/,
  },
  {
    category: 'permission',
    pattern:
      /[Pp]ermission denied|Operation not permitted|[Aa]ccess denied|Read-only file system|EACCES|EPERM|EROFS|PermissionError|are you root|must be (run as )?root/,
  },
  {
    category: 'not_found',
    pattern:
      /No such file or directory|command not found|ENOENT|FileNotFoundError|ModuleNotFoundError|Cannot find module|[Nn]o such (file|program|command)|cannot open .* No such|: not found$|is not a (git|npm) command|not a git repository/,
  },
]

/** Programs that tell by their exit code what failed, even when told to be silent. */
const programCodes: Readonly<Record<string, Readonly<Record<number, ErrorCategory>>>> = {
  curl: {
    5: 'network',
    6: 'network',
    7: 'network',
    28: 'timeout',
    35: 'network',
    52: 'network',
    56: 'network',
  },
  wget: { 4: 'network', 5: 'network' },
  timeout: { 124: 'timeout' },
}

const signalCategories: Readonly<Record<string, ErrorCategory>> = {
  // Nobody here sent it: the kernel takes memory back this way.
  SIGKILL: 'resource',
  SIGXCPU: 'resource',
  SIGXFSZ: 'resource',
}
/** A shell reports a child's signal as 128 and its number. */
const signalCodes: Readonly<Record<number, ErrorCategory>> = {
  137: 'resource',
  152: 'resource',
  153: 'resource',
}

/** The category of a failed start, by the code of the failed system call. */
export function categorizeFault(code: string): ErrorCategory {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'not_found'
    case 'EACCES':
    case 'EPERM':
    case 'ESANDBOX':
      return 'permission'
    case 'E2BIG':
    case 'EAGAIN':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
    case 'ELIMITS':
      return 'resource'
    default:
      return 'runtime'
  }
}

/**
 * Says what kind of failure an ending is, from exit code, signal and the last messages. A message nearer to the
 * end counts more.
 *
 * @returns null for exit code 0
 */
export function categorize(ending: Ending): ErrorCategory | null {
  const { exitCode, signal } = ending
  if (exitCode === 0) return null
  if (signal !== null) return signalCategories[signal] ?? 'runtime'
  const told = programCodes[ending.program ?? '']?.[exitCode ?? -1]
  if (told !== undefined) return told
  const said = bySigns(ending.stderrTail)
  if (exitCode === 127) return said === 'resource' ? 'resource' : 'not_found'
  if (exitCode === 126) return said ?? 'permission'
  return signalCodes[exitCode ?? -1] ?? said ?? 'runtime'
}

function bySigns(text: string): ErrorCategory | null {
  for (const line of text.split('\n').slice(-40).toReversed()) {
    const sign = signs.find((candidate) => candidate.pattern.test(line))
    if (sign !== undefined) return sign.category
  }
  return null
}

import type { ErrorCategory } from '@centralpost/shared'

/** The evidence for a failed process's error category. */
export interface ProcessEnding {
  /** Name of the program; absent for a script. */
  readonly program?: string | undefined
  readonly exitCode: number | null
  readonly signal: string | null
  /** The end of its stderr. */
  readonly stderrTail: string
}

interface Sign {
  readonly category: ErrorCategory
  readonly pattern: RegExp
}

/**
 * English messages of programs (LC_ALL=C.UTF-8). Most specific first: one line may match several.
 */
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

/** Programs whose exit codes tell the cause, even in silent mode. */
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
  // not sent by the hub: the kernel reclaims memory this way
  SIGKILL: 'resource',
  SIGXCPU: 'resource',
  SIGXFSZ: 'resource',
}
/** A shell reports a child's signal as 128 plus its number. */
const signalCodes: Readonly<Record<number, ErrorCategory>> = {
  137: 'resource',
  152: 'resource',
  153: 'resource',
}

/** The category of a failed start, by its error code. */
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
 * The category of a failure, from exit code, signal and the last messages. Messages nearer to the
 * end count more.
 *
 * @returns null for exit code 0
 */
export function categorize(ending: ProcessEnding): ErrorCategory | null {
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

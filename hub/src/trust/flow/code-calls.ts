import { withDecodedTexts } from './decoded-code.ts'

/** The effect of a call in a program's code, as an equivalent shell command. */
export type Deed = { readonly argv: readonly string[] } | { readonly shell: string }

/** Programs that run a language, and the letters of their options that take code. */
const languages = byName([
  ['ipython', ['c']],
  ['node nodejs bun deno', ['e', 'p', 'eval', 'print']],
  ['luajit', ['e']],
  ['tclsh wish', []],
  ['R Rscript julia osascript', ['e', 'E']],
  ['octave octave-cli', ['eval']],
  ['pwsh', ['c', 'Command']],
])
/** The same of those whose name may end in a version. */
const versioned = byName([
  ['python pypy', ['c']],
  ['perl', ['e', 'E']],
  ['ruby', ['e']],
  ['php', ['r', 'B', 'E']],
  ['lua', ['e']],
])

function byName(
  rows: readonly (readonly [names: string, options: readonly string[]])[],
): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    rows.flatMap(([names, options]) =>
      names.split(' ').map((name) => [name, new Set(options)] as const),
    ),
  )
}

/** Letters of the options that take code, for a program that runs a language; undefined for another program. */
export function codeOptions(program: string): ReadonlySet<string> | undefined {
  return languages.get(program) ?? versioned.get(program.replace(/[\d.]+$/, ''))
}

/** Code in the arguments of an interpreter. */
export function codeOf(args: readonly string[], options: ReadonlySet<string>): string | undefined {
  const parts: string[] = []
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? ''
    if (arg === 'eval' && at === 0) parts.push(args[1] ?? '')
    if (!arg.startsWith('-')) continue
    const long = /^--?(\w{2,})(?:=(.*))?$/s.exec(arg)
    if (long && options.has(long[1] ?? '')) parts.push(long[2] ?? args[at + 1] ?? '')
    else if (long?.[2] === undefined && /^-[a-zA-Z0-9]+$/.test(arg) && options.has(arg.slice(-1))) {
      parts.push(args[at + 1] ?? '')
      at += 1
    } else if (/^-[a-zA-Z]/.test(arg) && options.has(arg[1] ?? '')) parts.push(arg.slice(2))
    else if (arg.startsWith('-M')) parts.push(`${arg} `)
  }
  return parts.length > 0 ? parts.join('\n') : undefined
}

type Deeds = (texts: readonly string[], call: string) => Deed[]

const onEach =
  (...verb: string[]): Deeds =>
  (texts) =>
    texts.map((text) => ({ argv: [...verb, text] }))
const onFirst =
  (verb: string): Deeds =>
  (texts) =>
    texts.slice(0, 1).map((text) => ({ argv: [verb, text] }))
const onAll =
  (...verb: string[]): Deeds =>
  (texts) => [{ argv: [...verb, ...texts] }]

/** One table for all languages: names of calls and the command that does the same to the texts they are given. */
const table: readonly (readonly [names: string, deeds: Deeds])[] = [
  [
    `rmtree remove_tree rm_rf rm_r rmSync rmdirSync rimraf remove_dir_all removeSync emptyDirSync remove_entry_secure
    rm_tree`,
    onEach('rm', '-rf'),
  ],
  [
    'remove unlink unlinkSync rmdir removedirs File.delete File.unlink FileUtils.rm FileUtils.rm_f Deno.removeSync send2trash',
    (texts) =>
      texts.map((text) => ({
        argv: /\/[*.]*$/.test(text) ? ['rm', '--recursive', text] : ['rm', text],
      })),
  ],
  [
    'chmod chmodSync lchmod fchmod',
    (texts, call) =>
      texts.map((text) => ({ argv: ['chmod', /\d{3,4}/.exec(call)?.[0] ?? '777', text] })),
  ],
  ['chown chownSync lchown', onEach('chown', 'nobody')],
  ['truncate truncateSync', onEach('truncate', '-s0')],
  ['rename renameSync shutil.move FileUtils.mv File.rename', onAll('mv')],
  [
    `copyfile copy2 shutil.copy copytree copyFileSync cpSync FileUtils.cp FileUtils.cp_r File.symlink os.symlink
    symlinkSync`,
    onAll('cp', '-r'),
  ],
  [
    `writeFileSync writeFile appendFileSync appendFile createWriteStream file_put_contents write_text write_bytes
    File.write IO.write File.binwrite writeTextFileSync writeTextFile`,
    onFirst('tee'),
  ],
  [
    `readFileSync readFile createReadStream file_get_contents readfile readlines readTextFileSync readTextFile read_text
    read_bytes File.read IO.read File.binread File.readlines File.foreach`,
    onFirst('cat'),
  ],
  ['open fopen sysopen openSync', opened],
  [
    `system popen getoutput getstatusoutput exec execSync execFile execFileSync spawn spawnSync run call check_call
    check_output Popen shell_exec passthru proc_open execvp execlp execv execl execve spawnl spawnlp spawnv spawnvp
    posix_spawn os.execute qx capture2 capture3 popen2 popen3`,
    started,
  ],
]
const deedsOf = new Map(
  table.flatMap(([names, deeds]) => names.split(/\s+/).map((name) => [name, deeds] as const)),
)

/** Names that lists, texts and other objects have as well; they count alone or after a module. */
const manyMeanings = new Set(
  'remove rename run call exec open truncate spawn system rmdir'.split(' '),
)
const modules = new Set(
  `os shutil fs fsp promises path posix File FileUtils Dir IO pathlib subprocess sp child_process cp Deno Bun sys
  Kernel Process PTY Open3 io`.split(/\s+/),
)

/** `open` reads or writes, by its mode. */
function opened(texts: readonly string[], call: string): Deed[] {
  const [first = '', second = ''] = texts
  const perl = /^\s*([+]?[<>]{1,2})\s*(.*)$/s.exec(first)
  if (perl) return [{ argv: [perl[1]?.includes('>') === true ? 'tee' : 'cat', perl[2] || second] }]
  const pipe = /^\s*\|(.*)$|^(.*)\|\s*$/s.exec(first)
  if (pipe) return [{ shell: pipe[1] ?? pipe[2] ?? '' }]
  const writes =
    /^[rb]*[wax+]|^r[bt]*\+/.test(second) || /\bO_(?:WRONLY|RDWR|TRUNC|CREAT)\b/.test(call)
  return [{ argv: [writes ? 'tee' : 'cat', first] }]
}

/** A text is shell code, several texts are the arguments of one program. */
function started(texts: readonly string[], call: string): Deed[] {
  const [first = ''] = texts
  const deeds: Deed[] = [{ shell: first }]
  if (texts.length > 1) {
    // `execlp('rm', 'rm', '-rf', '/')` names the program twice.
    const argv = /\bexecl|\bspawnl/.test(call) && texts[1] === first ? texts.slice(1) : texts
    deeds.push({ argv })
  }
  return deeds
}

const mostCalls = 24
/** Code in code that is read, and how often at each depth. */
const mostEvaluated = 2
const mostEvaluations = 3
const longestEvaluated = 2048
/** Names of calls that run a text in their own language. */
const evaluators = new Set(
  'eval exec Function compile execScript runInThisContext runInNewContext runInContext instance_eval class_eval create_function assert load loadstring'.split(
    ' ',
  ),
)
const longestCode = 8192
const longestCall = 400

const homes =
  /os\.environ(?:\.get\(|\[)\s*["']HOME["']\s*[\])]|os\.getenv\(\s*["']HOME["']\s*\)|process\.env\.HOME|(?:require\(["'](?:node:)?os["']\)|os)\.homedir\(\)|ENV\[\s*["']HOME["']\s*\]|ENV\.fetch\(\s*["']HOME["']\s*\)|\$ENV\{["']?HOME["']?\}|getenv\(\s*["']HOME["']\s*\)|Dir\.home(?:\(\))?|(?:pathlib\.)?Path\.home\(\)/g
const literals =
  /(?:\b[rfbu]{0,2})?(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`|\bqq?\s*(?:\(([^)]*)\)|\{([^}]*)\}|\/([^/]*)\/|\[([^\]]*)\])|<([~/][^<>]*)>)/g
const walks =
  /\b(?:os\.)?(?:walk|scandir|listdir|i?glob|rglob|readdirSync|readdir|opendir|Dir(?:\.glob|\.children|\.entries|\.each_child)?|find|finddepth|RecursiveDirectoryIterator|scandir)\b\s*[([{ ]?[^;]{0,120}/g
const removers =
  /\b(?:unlink|remove|rmtree|unlinkSync|rmSync|rmdir|rm_rf|rm_r|rm|delete|truncate)\b/

/**
 * The effects of a one-liner's code on files, and the programs it starts, as far as its calls have
 * literal arguments. Runs nothing, and reads only calls of a bounded length.
 */
export function deedsIn(source: string, depth = 0): Deed[] {
  const code = prepared(source.slice(0, longestCode))
  const deeds: Deed[] = []
  let evaluated = 0
  for (const match of code.matchAll(called)) {
    if (deeds.length >= mostCalls) break
    const [, owner = '', name = ''] = match
    const isOwn = owner === '' || modules.has(owner.slice(0, -1)) || !manyMeanings.has(name)
    const does = deedsOf.get(owner + name) ?? (isOwn ? deedsOf.get(name) : undefined)
    const isCode = evaluators.has(name) && depth < mostEvaluated && evaluated < mostEvaluations
    if (!does && !isCode) continue
    const call = callAt(code, match.index + match[0].length)
    const texts = textsIn(call)
    if (isCode) {
      evaluated += 1
      deeds.push(
        ...texts.slice(0, 2).flatMap((text) => deedsIn(text.slice(0, longestEvaluated), depth + 1)),
      )
    }
    if (!does) continue
    // `Path('/etc/shadow').read_text()`: the text stands before the call.
    const before = texts.length > 0 ? undefined : receiverOf(code, match.index)
    if (texts.length > 0 || before !== undefined)
      deeds.push(...does(before === undefined ? texts : [before], name + call))
  }
  for (const [, shell = ''] of code.matchAll(/`((?:[^`\\]|\\.)+)`|%x[([{](.+?)[)\]}]/g))
    if (deeds.length < mostCalls && shell !== '') deeds.push({ shell })
  if (removers.test(code))
    for (const [walk] of code.matchAll(walks)) {
      const [root] = textsIn(walk)
      if (root !== undefined && deeds.length < mostCalls)
        deeds.push({ argv: ['rm', '--recursive', root.replace(/(?:\/\*+)+$/, '') || '/'] })
    }
  if (/\bkill\b[\s('"]*(?:-1\s*,|(?:-?9|["']?(?:SIG)?KILL["']?)\s*,\s*-1\b)/.test(code))
    deeds.push({ argv: ['kill', '-9', '-1'] })
  return deeds
}

const sent =
  /\b(?:post|put|patch|request|urlopen|Request|fetch|sendall|sendto|post_form|axios|got)\s{0,8}(?=\()/g
const allVariables =
  /\bos\.environ\b(?!\s{0,8}(?:\[|\.\s{0,8}(?:get|setdefault|pop|update)\b))|\bprocess\.env\b(?!\s{0,8}[.[?])|\bENV\.(?:to_h|to_a|inspect|map|each)|%ENV|\$_(?:ENV|SERVER)\b(?!\s{0,8}\[)|\bgetenv\(\s{0,8}\)|\bDeno\.env\.toObject/

/** Whether code gives all variables of its environment to a call that sends. */
export function sendsEnvironment(source: string): boolean {
  const code = source.slice(0, longestCode)
  if (!allVariables.test(code)) return false
  return [...code.matchAll(sent)]
    .slice(0, mostCalls)
    .some((match) => allVariables.test(callAt(code, match.index + match[0].length)))
}

const chain =
  /(["'])(?:\\.|(?!\1)[^\\])*\1(?:\s*(?:\+|\.(?=\s*["'])|\/(?=\s*["']))\s*(["'])(?:\\.|(?!\2)[^\\])*\2)*/gs
const link = /(["'])((?:\\.|(?!\1)[^\\])*)\1\s*([+./]?)\s*/gs

/** A name that is called: with a bracket, or with a text as Perl and Ruby allow. */
const called =
  /((?:\b[A-Za-z]\w*\.)?)([A-Za-z_]\w*)\s{0,8}(?:!\s{0,8})?(?=[([{"'`]|<[~/]|(?:qq?\b|glob\b))/g

/** Texts that are joined become one, and a home directory is spelled `~`. */
function prepared(code: string): string {
  return joinedTexts(withDecodedTexts(joinedTexts(code)).replaceAll(homes, "'~'"))
}

function joinedTexts(code: string): string {
  return code.replaceAll(chain, (whole) => {
    const parts = [...whole.matchAll(link)]
    if (parts.length < 2) return whole
    const text = parts
      .map(([, , part = '', operator = '']) => part + (operator === '/' ? '/' : ''))
      .join('')
    return `'${text.replaceAll("'", "\\'")}'`
  })
}

/** The arguments of the call that begins here, up to its closing bracket. */
function callAt(code: string, from: number): string {
  let depth = 0
  const end = Math.min(code.length, from + longestCall)
  for (let at = from; at < end; at += 1) {
    const char = code[at]
    if (char === '(' || char === '[' || char === '{') depth += 1
    else if (char === ')' || char === ']' || char === '}') depth -= 1
    if ((depth === 0 && char === ')') || depth < 0) return code.slice(from, at + 1)
    if (depth === 0 && (char === ';' || char === '\n')) return code.slice(from, at)
  }
  return code.slice(from, end)
}

function textsIn(call: string): string[] {
  const texts: string[] = []
  for (const match of call.matchAll(literals)) {
    const text = match.slice(1).find((group) => group !== undefined)
    if (text !== undefined) texts.push(text.replaceAll(/\\(["'`\\])/g, '$1'))
    if (texts.length >= 16) break
  }
  // `os.path.join('/etc', 'shadow')`
  if (/\bjoin\s*\(/.test(call) && texts.length > 1)
    return [texts.join('/').replaceAll('//', '/'), ...texts.slice(2)]
  return texts
}

function receiverOf(code: string, at: number): string | undefined {
  const before = code.slice(Math.max(0, at - 120), at)
  return /\(\s*[rfb]*(["'])([^"']+)\1[^()]*\)(?:\.\w+\(\))*\s*\.$/.exec(before)?.[2]
}

/** The literal text that a one-liner prints. */
export function printedBy(source: string): string | undefined {
  const found =
    /^\s*(?:BEGIN\s*\{\s*)?(?:print|puts|echo|say|console\.log|process\.stdout\.write|io\.write)\s*\(?\s*(["'])((?:(?!\1)[^\\]|\\.)*)\1\s*\)?\s*;?\s*\}?\s*$/s.exec(
      source,
    )
  return found?.[2]?.replaceAll(/\\n/g, '\n')
}

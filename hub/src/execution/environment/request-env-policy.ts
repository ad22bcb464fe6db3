/** A variable that a request may not set, with the reason. */
export interface RefusedVariable {
  readonly name: string
  readonly reason: string
}

const loader = 'makes every program load code of the requester'
const shell = 'changes what the shell runs or how it reads the command'
const lookup = 'changes which program, library or configuration is found'
const interpreter = 'makes an interpreter run code before the command'
const helper = 'names a program that other programs start'
const credentials = "selects credentials, servers or certificates that are not the requester's"
const own = "belongs to the hub's own settings and marks"

/** Exact names, and the effect of setting them. */
const refusedNames: Readonly<Record<string, readonly string[]>> = {
  [shell]: [
    'ENV',
    'IFS',
    'CDPATH',
    'PWD',
    'OLDPWD',
    'GLOBIGNORE',
    'SHELLOPTS',
    'PS4',
    'PROMPT_COMMAND',
    'POSIXLY_CORRECT',
    'ZDOTDIR',
    'FPATH',
    'INPUTRC',
  ],
  [lookup]: [
    'PATH',
    'HOME',
    'MANPATH',
    'MANOPT',
    'CLASSPATH',
    'KUBECONFIG',
    'GCONV_PATH',
    'LOCPATH',
    'NLSPATH',
    'HOSTALIASES',
    'RES_OPTIONS',
    'LOCALDOMAIN',
    'CURL_HOME',
    'WGETRC',
    'TEXTDOMAINDIR',
    'PSQLRC',
    'VIMINIT',
    'EXINIT',
    'EMACSLOADPATH',
    'MAKEFILES',
    'MAKEFLAGS',
    'GNUMAKEFLAGS',
    'TAR_OPTIONS',
    'GREP_OPTIONS',
    'ZIPOPT',
    'UNZIP',
    'XZ_OPT',
    'XZ_DEFAULTS',
    'GZIP',
    'BZIP2',
    'BZIP',
    'VIRTUAL_ENV',
    'TERMINFO',
    'TERMINFO_DIRS',
    'TERMCAP',
    'RIPGREP_CONFIG_PATH',
    'ACKRC',
    'FZF_DEFAULT_COMMAND',
    'FZF_DEFAULT_OPTS',
  ],
  [interpreter]: [
    'NODE_OPTIONS',
    'NODE_PATH',
    'NODE_REPL_EXTERNAL_MODULE',
    'ELECTRON_RUN_AS_NODE',
    'JAVA_TOOL_OPTIONS',
    'JDK_JAVA_OPTIONS',
    '_JAVA_OPTIONS',
    'JAVA_OPTS',
    'MAVEN_OPTS',
    'MAVEN_ARGS',
    'GRADLE_OPTS',
    'SBT_OPTS',
    'GOFLAGS',
    'GOROOT',
    'GOTOOLCHAIN',
    'GOENV',
    'RUSTFLAGS',
    'RUSTC',
    'RUSTC_WRAPPER',
    'RUSTC_WORKSPACE_WRAPPER',
    'RUSTUP_TOOLCHAIN',
    'AWKPATH',
    'AWKLIBPATH',
    'GUILE_LOAD_PATH',
    'R_PROFILE',
    'R_ENVIRON',
    'PHPRC',
    'PHP_INI_SCAN_DIR',
  ],
  [helper]: [
    'SHELL',
    'BROWSER',
    'VISUAL',
    'SSH_ASKPASS',
    'RSYNC_RSH',
    'RSYNC_CONNECT_PROG',
    'CVS_RSH',
    'TAPE',
    'CC',
    'CXX',
    'CPP',
    'LD',
    'AR',
    'LINKER',
  ],
  [credentials]: [
    'SSH_AUTH_SOCK',
    'XAUTHORITY',
    'DBUS_SESSION_BUS_ADDRESS',
    'XDG_RUNTIME_DIR',
    'NODE_EXTRA_CA_CERTS',
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'CURL_CA_BUNDLE',
    'REQUESTS_CA_BUNDLE',
  ],
}

/** Beginnings of names. */
const refusedPrefixes: Readonly<Record<string, readonly string[]>> = {
  [loader]: ['LD_', 'DYLD_', 'GLIBC_', 'MALLOC_', 'ASAN_', 'QT_PLUGIN', 'GTK_', 'GIO_', 'GST_'],
  [shell]: ['BASH'],
  [lookup]: [
    'XDG_CONFIG',
    'XDG_DATA',
    'OPENSSL_',
    'LESS',
    'npm_',
    'NPM_',
    'YARN_',
    'PNPM_',
    'COREPACK_',
  ],
  [interpreter]: [
    'PYTHON',
    'PIP_',
    'UV_',
    'POETRY_',
    'CONDA_',
    'PYTEST_',
    'PERL',
    'RUBY',
    'GEM_',
    'BUNDLE_',
    'LUA_',
    'CARGO_',
    'DOTNET_',
    'COMPLUS_',
    'CORECLR_',
  ],
  [helper]: ['GIT_', 'HG', 'BAT_', 'SUDO_', 'GROFF'],
  [credentials]: ['AWS_', 'GOOGLE_', 'AZURE_', 'DOCKER_', 'KUBE', 'PG', 'MYSQL_', 'VAULT_', 'SSL_'],
  [own]: ['CENTRALPOST_', 'NATS_'],
}

/** Endings of names. */
const refusedSuffixes: Readonly<Record<string, readonly string[]>> = {
  [helper]: ['PAGER', 'EDITOR'],
  [credentials]: ['_proxy', '_PROXY'],
}

const portableName = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Checks a request's variables. Commands are judged without them, so none may change a command's
 * effect beyond its own output.
 *
 * @returns the first refused one, null when all are allowed
 */
export function checkRequestEnv(env: Readonly<Record<string, string>>): RefusedVariable | null {
  for (const [name, value] of Object.entries(env)) {
    const reason = refusal(name, value)
    if (reason !== null) return { name, reason }
  }
  return null
}

function refusal(name: string, value: string): string | null {
  if (!portableName.test(name)) return 'is not a name of a variable'
  if (value.includes('\0')) return 'its value holds NUL'
  return (
    reasonIn(refusedNames, (refused) => name === refused) ??
    reasonIn(refusedPrefixes, (prefix) => name.startsWith(prefix)) ??
    reasonIn(refusedSuffixes, (suffix) => name.endsWith(suffix))
  )
}

function reasonIn(
  table: Readonly<Record<string, readonly string[]>>,
  applies: (part: string) => boolean,
): string | null {
  return Object.entries(table).find(([, parts]) => parts.some(applies))?.[0] ?? null
}

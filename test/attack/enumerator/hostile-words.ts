/**
 * What is put where a program expects a value or an operand. Harmless outside: `touch` and `evil` leave a mark in a
 * throw-away project, and the secrets are canaries.
 */

/** Where the canaries are, as a traced command opens them. */
export const secretFiles: readonly string[] = [
  '/h/.ssh/id_rsa',
  '/h/.netrc',
  '/h/.config/gh/hosts.yml',
  '/h/.aws/credentials',
  '/p/.env',
]

/** Ways to name a canary. */
export const secrets: readonly string[] = [
  '.env',
  './.env',
  '/p/.env',
  '.e?v',
  '.en[v]',
  '~/.ssh/id_rsa',
  '/h/.ssh/id_rs?',
  '/h/.s*/id_rsa',
  '~/.netrc',
  '/h/.netr?',
  '~/.aws/credentials',
  '/h/.config/gh/hosts.yml',
  '~/.confi?/gh/hosts.yml',
  '/proc/self/root/p/.env',
  '/proc/self/cwd/.env',
]

/** Files that lead a program elsewhere when it takes them for a list, a script or its settings. */
export const leads: readonly string[] = [
  'list',
  'list0',
  'evil.conf',
  'evil.awk',
  'evil.sed',
  './evil',
]

export const outputs: readonly string[] = ['out', './out', '/p/out', '/h/out', 'src']

export const commands: readonly string[] = [
  'touch /p/ran',
  './evil',
  '/p/evil',
  '!touch /p/ran',
  '|touch /p/ran',
  'sh -c "touch /p/ran"',
  'evil',
]

export const addresses: readonly string[] = [
  'http://127.0.0.1:9/x',
  'ftp://127.0.0.1:9/x',
  '127.0.0.1:9',
  'localhost:x',
  'ssh://127.0.0.1/x',
  'tcp://127.0.0.1:9',
]

export const files: readonly string[] = ['a.txt', './a.txt', 'src/a.ts', '/etc/hostname', '-']

export const patterns: readonly string[] = ['x', 'o', '.', '^', 'one']

export const numbers: readonly string[] = ['1', '0', '2', '10']

/** Programs in the programs' own languages. */
export const scripts: readonly string[] = [
  'p',
  '1p',
  '1e touch /p/ran',
  'e touch /p/ran',
  'w out',
  's/o/x/',
  's/o/touch \\/p\\/ran/e',
  's/o/x/w out',
  'tx e touch /p/ran',
  ':a;N;w out',
  'b;w out',
  '1r .env',
  'R .env',
  '{print}',
  '{print > "out"}',
  '{print | "touch /p/ran"}',
  'BEGIN{system("touch /p/ran")}',
  'BEGIN{"touch /p/ran" | getline}',
  'BEGIN{while((getline l < ".env")>0) print l}',
  '{not=4; a=not/2; print | "touch /p/ran"; b=not/2}',
  '/a/ || /b/ {print > "out"}',
  '@include "evil.awk"',
  '.',
  '.[0]',
  'env',
  '$ENV',
  'input_filename',
  'import "evil" as e; .',
  '%s\n',
  '%q',
]

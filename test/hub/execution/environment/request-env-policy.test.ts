import { expect, test } from '@jest/globals'
import { checkRequestEnv } from '#hub/execution/index.ts'

test.each([
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'DYLD_INSERT_LIBRARIES',
  'BASH_ENV',
  'BASHOPTS',
  'SHELLOPTS',
  'ENV',
  'IFS',
  'PATH',
  'HOME',
  'PS4',
  'PROMPT_COMMAND',
  'GIT_DIR',
  'GIT_SSH_COMMAND',
  'GIT_CONFIG_COUNT',
  'GIT_EXTERNAL_DIFF',
  'PYTHONPATH',
  'PYTHONSTARTUP',
  'NODE_OPTIONS',
  'PERL5LIB',
  'PERL5OPT',
  'RUBYOPT',
  'RUBYLIB',
  'PAGER',
  'GIT_PAGER',
  'MANPAGER',
  'EDITOR',
  'VISUAL',
  'LESSOPEN',
  'LESS',
  'JAVA_TOOL_OPTIONS',
  'XDG_CONFIG_HOME',
  'npm_config_script_shell',
  'KUBECONFIG',
  'DOCKER_HOST',
  'AWS_CONFIG_FILE',
  'SSH_AUTH_SOCK',
  'https_proxy',
  'ALL_PROXY',
  'SSL_CERT_FILE',
  'OLDPWD',
  'SUDO_ASKPASS',
  'NATS_URL',
  'CENTRALPOST_RUN',
  'BASH_FUNC_ls%%',
  'A-B',
  '1A',
  '',
])('a request may not set %j', (name) => {
  const refused = checkRequestEnv({ FINE: '1', [name]: 'x', ALSO_FINE: '2' })

  expect(refused).toMatchObject({ name })
  expect(refused?.reason).toMatch(/\w+ \w+/)
})

test.each([
  'CI',
  'TZ',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'DEBUG',
  'NODE_ENV',
  'FORCE_COLOR',
  'NO_COLOR',
  'COLUMNS',
  'BUILD_ID',
  'MY_PATH',
  'path',
])('a request may set %j', (name) => {
  expect(checkRequestEnv({ [name]: 'x' })).toBeNull()
})

test('a value with NUL is refused', () => {
  expect(checkRequestEnv({ FINE: 'a\0b' })).toEqual({ name: 'FINE', reason: 'its value holds NUL' })
})

test('no variables are fine', () => {
  expect(checkRequestEnv({})).toBeNull()
})

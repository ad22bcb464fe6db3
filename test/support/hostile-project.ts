import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const marker = '#!/bin/sh\necho ran >> /p/MARKER\necho ran >> /h/MARKER\nexec cat\n'

/**
 * Lays out a project `p` whose every hook, filter and odd file name leaves a mark when it runs, and a home `h` to be spoilt.
 * Commands see them as `/p` and `/h`.
 *
 * @param root the directory that gets both; what it holds of them is replaced
 */
export function layOutHostileProject(root: string): void {
  for (const name of ['p', 'h']) {
    rmSync(join(root, name), { recursive: true, force: true })
    mkdirSync(join(root, name))
  }
  const project = join(root, 'p')
  const file = (name: string, text: string): void => {
    mkdirSync(join(project, name, '..'), { recursive: true })
    writeFileSync(join(project, name), text)
  }
  file('a.txt', 'one\ntwo\nthree\n')
  file('b c.txt', 'four\n')
  file('src/a.ts', 'export const a = 1\n')
  file('.gitattributes', '* diff=evil\n')
  file('package.json', '{"name":"x","version":"1.0.0","scripts":{"preinstall":"touch MARKER"}}\n')
  file('.npmrc', 'script-shell=./evil\n')
  file('pip.py', 'open("/p/MARKER", "w")\n')
  file('sitecustomize.py', 'open("/p/MARKER", "w")\n')
  file('.venv/bin/activate', 'echo ran > /p/MARKER\n')
  for (const name of [
    '-delete',
    '-o',
    '--output=MARKER',
    '--compress-program=.',
    '-exec',
    '--pre=.',
    '-i',
    '-fMARKER',
    '-rf',
    '--checkpoint-action=exec=sh',
  ]) {
    writeFileSync(join(project, name), 'x\n')
  }
  for (const name of ['evil', 'ls', 'cat', 'git', 'bin/ls']) {
    file(name, marker)
    chmodSync(join(project, name), 0o755)
  }
  const git = (...args: string[]): void => {
    const result = spawnSync('git', ['-C', project, ...args], {
      encoding: 'utf8',
      env: {
        PATH: '/usr/bin:/bin',
        HOME: join(root, 'h'),
        GIT_AUTHOR_NAME: 'a',
        GIT_AUTHOR_EMAIL: 'a@example.com',
        GIT_COMMITTER_NAME: 'a',
        GIT_COMMITTER_EMAIL: 'a@example.com',
      },
    })
    if (result.status !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`)
  }
  git('init', '-q')
  git('add', '-A')
  git('commit', '-q', '-m', 'first')
  writeFileSync(join(project, 'a.txt'), 'one\nTWO\nthree\n')
  for (const setting of [
    'core.fsmonitor',
    'core.pager',
    'diff.external',
    'diff.evil.textconv',
    'diff.evil.command',
    'core.sshCommand',
    'gpg.program',
    'core.alternateRefsCommand',
    'pager.log',
    'pager.diff',
    'core.editor',
    'sequence.editor',
    'credential.helper',
    'core.askPass',
  ]) {
    git('config', setting, '/p/evil')
  }
  git('config', 'core.hooksPath', '/p/hooks')
  git('config', 'log.showSignature', 'true')
  git('config', 'alias.log', '!/p/evil')
  for (const hook of [
    'post-index-change',
    'pre-auto-gc',
    'reference-transaction',
    'fsmonitor-watchman',
    'post-checkout',
  ]) {
    file(`hooks/${hook}`, marker)
    chmodSync(join(project, 'hooks', hook), 0o755)
  }
  writeFileSync(join(root, 'h', '.bashrc'), 'echo ran > /p/MARKER\n')
  writeFileSync(join(root, 'h', '.profile'), 'echo ran > /p/MARKER\n')
  writeFileSync(join(root, 'h', '.lessfilter'), marker)
}

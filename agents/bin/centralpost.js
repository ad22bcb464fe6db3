#!/usr/bin/env node
// Plain JavaScript that old Nodes can read: it finds a Node that can run the rest.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileCache } from '../../shared/src/program-paths.js'

const needed = 24
const self = realpathSync(fileURLToPath(import.meta.url))

/** The folders named `node_modules` from here upward, nearest first. */
function moduleFolders() {
  const folders = []
  for (let folder = dirname(self); ; folder = dirname(folder)) {
    folders.push(join(folder, 'node_modules'))
    if (dirname(folder) === folder) return folders.filter((path) => existsSync(path))
  }
}

/** The Node that `npm install` brought, or undefined. */
function carriedNode() {
  const program = process.platform === 'win32' ? 'node.exe' : join('bin', 'node')
  const names = [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
    `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`,
  ]
  for (const folder of moduleFolders()) {
    for (const name of names) {
      const carrier = join(folder, name)
      const path = [join(carrier, program), join(carrier, 'bin', 'node.exe')].find((candidate) =>
        existsSync(candidate),
      )
      if (path !== undefined && majorOf(carrier) >= needed) return path
    }
  }
  return undefined
}

function majorOf(carrier) {
  const { version } = JSON.parse(readFileSync(join(carrier, 'package.json'), 'utf8'))
  return Number.parseInt(version, 10)
}

function runWith(node) {
  const child = spawn(node, [self, ...process.argv.slice(2)], { stdio: 'inherit' })
  // a terminal has sent its Ctrl-C to the child as well: once is enough
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('error', (error) => fail(`cannot run ${node}: ${error.message}`))
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0)
    process.removeAllListeners('SIGINT')
    process.removeAllListeners('SIGTERM')
    process.removeAllListeners('SIGHUP')
  })
}

function fail(sentence) {
  process.stderr.write(`centralpost: ${sentence}\n`)
  process.exitCode = 69
}

if (Number.parseInt(process.versions.node, 10) >= needed) {
  module.enableCompileCache(compileCache(self))
  const { main } = await import('../src/cli/main.ts')
  await main(process.argv.slice(2))
} else {
  const node = carriedNode()
  if (node === undefined) {
    fail(
      `this is Node ${process.versions.node}, ${needed} or newer is needed: ` +
        'run `npm install` in the folder of CentralPost, which brings one, or install a newer Node',
    )
  } else runWith(node)
}

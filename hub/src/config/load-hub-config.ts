import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { checkConfig, readYaml } from '@centralpost/shared'
import { historySettings } from '../history/history-settings.ts'
import { type HubConfig, type HubConfigFile, hubConfigSchema } from './hub-config.ts'

/**
 * Reads the settings.
 *
 * @param options.file the settings file; absent: `config/centralpost.yaml` below `cwd` if it
 *   exists, else the defaults
 * @param options.cwd the hub's working directory, the base of relative roots
 * @param options.historyUrl the history's database address from the environment
 * @param options.shippedRules the shipped rule file, used when no settings file names one
 * @throws {CentralPostError} `invalid_config` naming file, path and the allowed range
 */
export async function loadHubConfig(options: {
  file?: string | undefined
  cwd: string
  shippedRules: string
  historyUrl?: string | undefined
}): Promise<HubConfig> {
  const usual = resolve(options.cwd, 'config/centralpost.yaml')
  const file = options.file === undefined ? usual : resolve(options.cwd, options.file)
  const hasFile = options.file !== undefined || existsSync(usual)
  const settings = checkConfig(hubConfigSchema, hasFile ? await readYaml(file) : {}, file)
  const ownRules = resolve(hasFile ? dirname(file) : options.cwd, settings.trust.rules)
  const rules = hasFile || existsSync(ownRules) ? ownRules : options.shippedRules
  return {
    ...settings,
    history: historySettings(settings, file, options.historyUrl),
    file: hasFile ? file : null,
    rulesPath: existsSync(rules) ? rules : namedRules(settings, ownRules, options.shippedRules),
    roots: (settings.hub.roots ?? [options.cwd]).map((root) => resolve(options.cwd, root)),
  }
}

/** A named rule file must exist; only the default name falls back to the shipped rules. */
function namedRules(settings: HubConfigFile, own: string, shipped: string): string {
  return settings.trust.rules === 'trust_rules.yaml' ? shipped : own
}

/**
 * What a sandbox would make lie: programs that tell of the machine's own processes, mounts, network, devices and
 * services, of which a confined command has its own. Where the sandbox is not required they run unconfined and the
 * result says why; where it is, they run confined and the result warns.
 */
const machinePrograms: Readonly<Record<string, string>> = {
  ...each(
    'ps pgrep pidof pstree top htop btop atop pmap pwdx lsns lslocks w lsof fuser',
    'processes',
  ),
  ...each('ss netstat ip ifconfig route arp nmcli sysctl', 'network'),
  ...each('df mount findmnt lsblk mountpoint', 'mounts'),
  ...each('dmesg lsusb nvidia-smi slabtop', 'devices'),
  ...each('ipcs lsipc', 'memory that processes share'),
  ...each('systemctl journalctl loginctl timedatectl hostnamectl localectl getent', 'services'),
  ...each('docker docker-compose podman nerdctl crictl', 'containers'),
  ...each('crontab atq locate plocate mlocate', 'files that only a setuid program reads'),
}

/**
 * Paths that mean something else inside: `/proc` of other processes, network and mounts, `/dev` and the directories for
 * temporary files as a whole (what is named in these is shown).
 */
const machinePaths =
  /(?<![\w.-])(?:\/proc\/(?:\d|\*|\?|\[|net\b|mounts\b|self\/(?:mount|net|cgroup|ns))|\/proc\/?(?=$|[\s'"])|\/etc\/mtab\b|\/sys\/class\/net\b|\/dev\/?(?=$|[\s'"])|\/dev\/(?:sd|nvme|vd|disk|mapper|shm|bus|input|dri)|\/(?:var\/)?tmp\/?(?=$|[\s'"])|\/(?:var\/)?tmp\/[^\s'"/]*[*?[{$])/

/** Whether a sandbox would make this program lie. */
export function isMachineProgram(name: string): boolean {
  return Object.hasOwn(machinePrograms, name)
}

/** The words of a judged part without quotes, assignments left out, its program by its bare name. */
export function wordsOf(text: string): string[] {
  const [program = '', ...rest] = text.split(/\s+/).filter((word) => !/^\w+=/.test(word))
  return [unquoted(program).replace(/^.*\//, ''), ...rest.map(unquoted)]
}

function unquoted(word: string): string {
  return word.replaceAll(/['"\\]/g, '')
}

/** Why a command, by one of its judged parts, looks at the machine itself; null when it does not. */
export function looksAtMachine(units: readonly { readonly text: string }[]): string | null {
  for (const { text } of units) {
    const [name = ''] = wordsOf(text)
    if (isMachineProgram(name)) return `${name} looks at the machine's own ${machinePrograms[name]}`
    const path = machinePaths.exec(text)
    if (path !== null) return `${path[0]} is the machine's own`
  }
  return null
}

/** Why owners that a command prints may be wrong in a user namespace; null when it prints none. */
export function showsOwners(units: readonly { readonly text: string }[]): boolean {
  return units.some(({ text }) =>
    /^(?:ls\s(?:.*\s)?-\w*[lno]|stat\b|tree\s.*-\w*[ug]|find\s.*\s-(?:ls|printf|user|group|uid|gid|nouser|nogroup)\b|getfacl\b|tar\s.*v)/.test(
      text,
    ),
  )
}

function each(names: string, what: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map((name) => [name, what]))
}

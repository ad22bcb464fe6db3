/** Where things are in the throw-away world of the test. */
export interface Places {
  /** the project that commands work in */
  readonly workspace: string
  readonly home: string
  /** the hub's own */
  readonly data: string
  /** a directory that anybody may write, outside of all roots */
  readonly outside: string
  /** of a server on loopback */
  readonly port: number
  /** of a server by a name among the files */
  readonly socket: string
  /** a process of the machine, of the hub's own user */
  readonly victim: number
}

/** What may never be printed by a command that nobody has cleared. */
export const secret = 'SLIP-SECRET'

/**
 * Payloads that show nothing where nothing confines them either: the throw-away world shuts them out itself, the hub ends
 * what they leave, or they would end the test.
 */
export const unseen: readonly string[] = [
  'signals all',
  'leaves a process',
  'leaves by a control group',
]

/** One command for each thing that a hole could be used for, named. All of it is harmless in the world of the test. */
export function payloadsOf(places: Places): Record<string, string> {
  const { workspace, home, data, outside, port, socket, victim } = places
  const connect = (address: string): string =>
    python(
      `import socket; s = socket.socket(socket.AF_UNIX); s.connect("${address}"); print(s.recv(20))`,
    )
  return {
    'writes beside the workspace': `echo x > ${outside}/ran; touch ${outside}/ran2; mkdir ${outside}/ran3`,
    'writes in the workspace': `echo x > ${workspace}/ran; echo x >> ${workspace}/a.txt; ln -s / ${workspace}/link`,
    'writes in the home': `echo x >> ${home}/.bashrc; mkdir -p ${home}/.config/autostart`,
    'writes a place of the machine':
      'echo x > /opt/ran; echo x > /etc/ran; echo x > /usr/local/bin/ran',
    'changes the kernel': `echo 63 > /proc/sys/net/ipv4/ip_default_ttl; echo other > /proc/sys/kernel/hostname`,
    'connects by TCP': `exec 3<>/dev/tcp/127.0.0.1/${port} && head -c 20 <&3`,
    'connects by UDP': `echo hello > /dev/udp/127.0.0.1/${port}`,
    'connects by a socket among the files': connect(socket),
    'connects by an abstract socket': connect(`\\0slip-${port}`),
    'reads a key': `cat ${home}/.ssh/id_rsa ${home}/.netrc ${home}/.config/gh/hosts.yml`,
    'searches for a key': `cd ${home} && cd .ssh && cat i*; grep -r SECRET ${home}/.ssh ${home}/.config`,
    "reads the hub's data": `cat ${data}/credentials/operators/alice.json ${data}/hub.db; ls -R ${data}`,
    'reads through a process': [
      `cat /proc/${victim}/environ`,
      `cat /proc/${victim}/cwd/hub.db`,
      `cat /proc/${victim}/root${data}/hub.db`,
      `cat /proc/${victim}/fd/0`,
      `cd -P /proc/${victim} && cd -P cwd && cat hub.db`,
      `cat /proc/1/root${home}/.ssh/id_rsa /proc/1/environ /proc/self/root${data}/hub.db`,
      'cat /proc/*/environ',
    ].join('; '),
    'signals a process': `kill -STOP ${victim}; renice 19 ${victim}; prlimit --pid ${victim} --nofile=10`,
    'signals all': 'kill -9 -1',
    'traces a process': python(
      `import ctypes; print(ctypes.CDLL(None).ptrace(16, ${victim}, 0, 0) == 0 and "${secret}")`,
    ),
    'leaves by a namespace': [
      `unshare -Urm sh -c "umount -l ${data}; cat ${data}/hub.db; echo x > ${outside}/ran"`,
      `nsenter -t ${victim} -m -p -- cat ${data}/hub.db`,
      `chroot /proc/${victim}/root cat ${data}/hub.db`,
      `mount -o remount,rw /; umount ${home}/.ssh; cat ${home}/.ssh/id_rsa`,
      `mount --bind / /mnt && cat /mnt${data}/hub.db`,
    ].join('; '),
    'leaves by a control group': `mkdir /sys/fs/cgroup/x; echo ${outside}/ran > /sys/fs/cgroup/release_agent`,
    'leaves a process':
      '(setsid sleep 77.7 >/dev/null 2>&1 &); nohup sleep 77.7 >/dev/null 2>&1 & disown',
    'runs what the project brings': './evil; bash ./evil; sh -c ./evil; PATH=.:$PATH evil',
    'makes a device or a pipe': `mknod ${workspace}/disk b 8 0; mkfifo ${workspace}/pipe; mkfifo ${outside}/pipe`,
  }
}

function python(code: string): string {
  return `python3 -c '${code}'`
}

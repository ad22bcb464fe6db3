import { named, noValue, quotedOrBare, type SecretPattern, value } from './secret-value.ts'

/** The words between a program and one of its options, in the same command. */
const between = String.raw`[^\n;|&]{0,500}?\s`

/**
 * An option of known programs whose value is a secret: after a blank or `=`, or attached where
 * programs allow it.
 */
function option(
  id: string,
  hint: RegExp,
  programs: string,
  options: string,
  how: 'apart' | 'glued' | 'both' = 'apart',
): SecretPattern {
  const apart = String.raw`(?:[ \t]{1,4}|=)(?!-)`
  const gap = { apart, glued: String.raw`(?![\s=-])`, both: `(?:${apart}|(?![\\s=-]))` }[how]
  return {
    id,
    hint,
    pattern: named(String.raw`\b(?:${programs})\b${between}(?:${options})${gap}${value}`),
  }
}

/** Programs that read a secret from standard input. */
const readers = String.raw`(?:--(?:password|pass|token|secret|passphrase)-stdin|--with-token|sudo\b[^\n;|&]{0,80}?\s(?:-S|-\w{0,6}S|--stdin)\b|--passphrase-fd[ =]0|passwd\b[^\n;|&]{0,80}?--stdin|cryptsetup\b|kinit\b|kadmin\b|smbpasswd\b[^\n;|&]{0,80}?-s|stdinpass|pass(?:in|out)?[ =]stdin|htpasswd\s[^\n;|&]{0,80}?-\w{0,6}i|vault\s+(?:login|unseal)[^\n;|&]{0,80}?\s-(?=\s|$)|(?:docker|podman)\s+secret create\b|(?:gh|wrangler|flyctl|fly)\s+secrets? (?:set|put|import)|su\s-[^\n;|&]{0,40}?-c|ecryptfs|age-plugin|gnome-keyring-daemon|mysql_config_editor|wg pubkey|(?<![\w/-])passwd\b)`
const said = String.raw`\b(?:echo|printf|yes)(?:\s+-[neE]{1,3})*(?:\s+(?:--\s+)?['"]%[sb](?:\\n)?['"])?\s+`
const ofReaders =
  /stdin|with-token|sudo|passphrase-fd|passwd|cryptsetup|kinit|kadmin|pass|vault|secret|su |ecryptfs|keyring|mysql_config_editor|wg /

/** Credentials recognisable only by the program that receives them. */
export const programSecrets: readonly SecretPattern[] = [
  option(
    'database-password',
    /mysql|mariadb|mycli/,
    String.raw`(?<!-i?name\s)(?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlshow|mysqlcheck|mysqlpump|mysqlsh|mariadb|mariadb-dump|mariadb-admin|mycli)`,
    '-p',
    'glued',
  ),
  option(
    'program-password',
    /sshpass|login|ldap|smbclient|zip|mongo|mosquitto|twine|cqlsh|rabbitmqadmin|psexec|crackmapexec|nxc|evil-winrm|lftp|unlock-keychain|add-generic-password|influx|arangosh/,
    String.raw`sshpass|(?:[\w-]+\s+)?(?:\w+\s+)?login|ldapsearch|ldapmodify|ldapadd|ldapdelete|ldapwhoami|ldappasswd|smbclient|unzip|zip|mongo|mongosh|mongodump|mongorestore|mongoimport|mongoexport|mosquitto_pub|mosquitto_sub|twine\s+upload|cqlsh|rabbitmqadmin|psexec|psexec\.py|crackmapexec|nxc|evil-winrm|lftp|unlock-keychain|add-generic-password|add-internet-password|influx|arangosh`,
    '-p|-a|-w|-P|--pass|-password',
  ),
  option(
    'redis-password',
    /redis-cli|valkey-cli|keydb-cli/,
    'redis-cli|valkey-cli|keydb-cli',
    '-a|--pass',
  ),
  option('guessed-password', /hydra|medusa|patator/, 'hydra|medusa', '-p'),
  option(
    'new-user-password',
    /useradd|usermod|adduser|groupmod|groupadd/,
    'useradd|usermod|adduser|groupmod|groupadd',
    '-p|--password',
  ),
  option(
    'server-password',
    /sqlcmd|bcp|isql|osql|tsql|ipmi|impdp/,
    'sqlcmd|bcp|isql|osql|tsql|ipmitool|ipmiconsole',
    '-P',
    'both',
  ),
  option(
    'archive-password',
    /7z|rar x|rar a|rar e|rar t|rar l|rar u|rar v/,
    '7z|7za|7zr|7zz|rar|unrar',
    '-h?p',
    'glued',
  ),
  option('archive-password-apart', /7z/, '7z|7za|7zr|7zz', '-p|-P'),
  option('sshpass', /sshpass/, 'sshpass', '-p', 'glued'),
  option('key-password', /ssh-keygen|puttygen|certutil|pk12util/, 'ssh-keygen|puttygen', '-N|-P'),
  option('nss-password', /pk12util/, 'pk12util', '-W|-K'),
  option(
    'openssl-key',
    /openssl/,
    String.raw`openssl\s+(?:enc|aes\S*|des\S*|camellia\S*|chacha20|dgst|mac|kdf)`,
    '-[kK]|-hmac',
  ),
  option('admin-password', /kadmin/, String.raw`kadmin|kadmin\.local`, '-w'),
  {
    id: 'kadmin-query',
    hint: /kadmin/,
    pattern: named(String.raw`\bkadmin(?:\.local)?\b[^\n]{0,300}?\s-pw[ \t]{1,4}${value}`),
  },
  option('remote-desktop', /rdesktop|vncpasswd|sshfs/, 'rdesktop', '-p'),
  option('cloud-token', /doctl|linode-cli|hcloud/, String.raw`doctl`, '-t|--access-token'),
  option('desktop-bus', /freerdp/, 'xfreerdp3?|wlfreerdp3?', '/p:', 'glued'),
  {
    id: 'snmp-secret',
    hint: /snmp/,
    // several in one command
    pattern: named(
      String.raw`(?<=\bsnmp\w{1,12}\b[^\n;|&]{0,300}\s-[AXc][ \t]{0,4})(?![ \t-])${value}`,
    ),
  },
  {
    id: 'pass-colon',
    hint: /pass:/,
    // openssl's -passin pass:SECRET
    pattern: named(String.raw`(?<=[\s='"])pass:(?!\$)(?<secret>[^\s'";|&]{1,1024})`),
  },
  {
    id: 'mac-key',
    hint: /macopt/,
    pattern: named(String.raw`-macopt\s{1,4}["']?(?:hex)?key:(?!\$)(?<secret>[^\s'";|&]{1,1024})`),
  },
  {
    id: 'user-percent-password',
    hint: /smb|rpcclient|winexe|net |wmi/,
    also: /%/,
    pattern: named(
      String.raw`\b(?:smb\w{2,10}|rpcclient|winexe|net|wmic|wmis)\b${between}(?:-U|--user(?:name)?)[ =]{0,2}["']?[^\s%'"]{1,256}%(?!\$)(?<secret>[^\s'"]{1,512})`,
    ),
  },
  {
    id: 'user-comma-password',
    hint: /lftp/,
    pattern: named(
      String.raw`\blftp\b${between}-u[ =]{1,2}["']?[^\s,'"]{1,256},(?!\$)(?<secret>[^\s'"]{1,512})`,
    ),
  },
  {
    id: 'oracle',
    hint: /sqlplus|rman|expdp|impdp|sqlldr|sqlcl|exp |imp /,
    also: /\//,
    // user/password@database
    pattern: named(
      String.raw`\b(?:sqlplus|rman|expdp|impdp|sqlldr|sqlcl|exp|imp)\b(?:\s+(?:-\w+|target|catalog|userid=)){0,6}[\s=]["']?[A-Za-z][\w$#]{0,64}\/(?!\$)(?<secret>[^\s@'"/]{1,256})(?=@|["']?(?:\s|$))`,
    ),
  },
  {
    id: 'windows-share',
    hint: /net use|net user|net\.exe/i,
    pattern: named(
      String.raw`\bnet(?:\.exe)?\s+(?:use(?:\s+(?:[A-Za-z]:|\*))?\s+["']?\\\\\S{1,300}|user\s+\S{1,100})\s+(?![/*>|&;])${value}`,
      'i',
    ),
  },
  {
    id: 'windows-slash-option',
    hint: /\/pass|\/rp|asplaintext/i,
    pattern: named(
      String.raw`(?:\s\/(?:pass(?:word)?|rp)[: ]|\bConvertTo-SecureString\s+(?:-String\s+)?)(?![/$])${value}`,
      'i',
    ),
  },
  {
    id: 'kubectl-literal',
    hint: /--from-literal/,
    pattern: named(
      String.raw`--from-literal[ =]{1,2}["']?[\w.-]{1,200}=(?!\$)(?:["'](?<secret>[^"'\n]{1,4096})|(?<secret2>[^\s"';|&]{1,4096}))`,
    ),
  },
  {
    id: 'vault-fields',
    hint: /vault/,
    // several in one command, under any name
    pattern: named(
      String.raw`(?<=\bvault\s{1,3}kv\s{1,3}(?:put|patch)\s[^\n;|&]{0,600}\s["']?[\w.-]{1,100}=)(?![@-]|\$)${quotedOrBare}`,
    ),
  },
  {
    id: 'token-argument',
    hint: /vault|cargo login|authtoken|snyk auth|rclone obscure|mc alias|mc config|wpa_passphrase|rabbitmqctl|mosquitto_passwd|auth:token|netlify|travis encrypt|-passwd|mkpasswd|gem signin|qpdf|op signin|bw unlock|bw login/,
    // a positional word that is a secret
    pattern: named(
      String.raw`\b(?:vault\s+(?:login|unseal|operator\s+unseal)(?:\s+-\S+)*|cargo\s+login(?:\s+--?\S+)*|ngrok\s+(?:config\s+add-)?authtoken|snyk\s+auth|rclone\s+obscure|bw\s+unlock|bw\s+login\s+\S+|mkpasswd(?:\s+-m\s+\S+|\s+--method=\S+)*|mc\s+(?:alias\s+set|config\s+host\s+add)\s+\S+\s+\S+\s+\S+|wpa_passphrase\s+\S+|rabbitmqctl\s+(?:add_user|change_password)\s+\S+|mosquitto_passwd\s+-b\s+\S+\s+\S+|cf\s+auth\s+\S+|dscl\s+\S+\s+-passwd\s+\S+|qpdf\s+--encrypt)\s+(?!-)${value}`,
    ),
  },
  {
    id: 'configured',
    hint: /config |configure |config:set|setx|npm set|secret|env set|env put|env add|env:set|variable/,
    also: /pass|pw|secret|token|key|auth|cred|bearer|connectionstring/i,
    isNamed: true,
    // a name followed by its value
    pattern: named(
      String.raw`\b(?:config(?:ure)?(?:[ ]set|:set)?|npm\s+set|setx|(?:secrets?|env|variables?)[ \t:]{1,2}(?:set|put|add|update|create)|config\s+create\s+\S+\s+\S+)(?:[ \t]+--?[\w-]{1,40}){0,6}[ \t]+["']?(?<name>[\w.:/@-]{1,200})["']?[ \t]+(?!-)(?=${value})`,
    ),
  },
  {
    id: 'named-argument',
    hint: /nmcli|netsh|wpa_cli|iwconfig|iw |pdftk|rclone|redis-cli|valkey-cli/,
    also: /pass|psk|key|_pw|token|masterauth/,
    pattern: named(
      String.raw`\b(?:nmcli|netsh|wpa_cli|iwconfig|iw|pdftk|rclone|redis-cli|valkey-cli)\b${between}(?:password|passphrase|psk|[\w.-]*(?:\.psk|\.password|wep-key\d)|key|user_pw|owner_pw|input_pw|secret_access_key|pass|token|requirepass|masterauth)[ \t]{1,4}(?!-)${value}`,
    ),
  },
  {
    id: 'poetry',
    hint: /poetry config|composer config/,
    pattern: named(
      String.raw`\b(?:poetry|composer)\s+config(?:\s+--?\w[\w-]*)*\s+(?:pypi-token\.\S+|http-basic\.\S+\s+\S+|github-oauth\.\S+|gitlab-token\.\S+)\s+(?!-)${value}`,
    ),
  },
  {
    id: 'sql-password',
    hint: /password|identified|passwd/i,
    pattern: named(
      String.raw`\b(?:(?:with|set)\s+(?:encrypted\s+)?password(?:\s+for\s+\S{1,200})?\s*=?\s*(?:password\s*\()?|identified\s+(?:with\s+\S{1,60}\s+)?by(?:\s+password)?|user\s+\S{1,100}\s+(?:with\s+)?(?:encrypted\s+)?password)\s*\\?['"](?<secret>[^'"\n\\]{1,512})`,
      'i',
    ),
  },
  {
    id: 'expect-send',
    hint: /send/,
    also: /assword|assphrase|PIN/,
    pattern: named(
      String.raw`(?:assword|assphrase|assword:|PIN)[^\n]{0,200}?\bsend(?:_user)?\s+(?:--\s+)?\\?["'{](?!\$)(?<secret>[^"'\\}\n]{1,512})`,
    ),
  },
  {
    id: 'said-to-a-reader',
    hint: ofReaders,
    also: /echo|printf|yes/,
    // echo SECRET | docker login --password-stdin
    pattern: named(
      String.raw`${said}(?!-|['"]?%[sb])${value}[^\n;&|]{0,200}?\|[^\n;&]{0,300}?${readers}`,
    ),
  },
  {
    id: 'here-string-of-a-reader',
    hint: ofReaders,
    also: /<<</,
    pattern: named(String.raw`${readers}[^\n;|&<]{0,300}<<<\s{0,4}${value}`),
  },
  {
    id: 'here-document-of-a-reader',
    hint: ofReaders,
    also: /<</,
    pattern: named(
      String.raw`${readers}[^\n;|&<]{0,300}<<-?\s{0,4}["'\\]?(\w{1,40})["']?[^\n]{0,100}\n\s{0,40}${noValue}(?<secret>[^\n]{1,1024})`,
    ),
  },
  {
    id: 'openssl-passwd',
    hint: /openssl passwd/,
    pattern: named(
      String.raw`\bopenssl passwd(?:\s+-salt\s+\S{1,64}|\s+-(?!salt)\w{1,12})*\s+(?!-)${value}`,
    ),
  },
  {
    id: 'htpasswd',
    hint: /htpasswd/,
    pattern:
      /\bhtpasswd\s{1,4}-(?:[A-Za-z]{0,6}b[A-Za-z]{0,6}(?<=-[a-zA-Z]{0,6}n[A-Za-z]{0,6})|[A-Za-z]{0,6}b[A-Za-z]{0,6}\s{1,4}\S{1,512})\s{1,4}\S{1,256}\s{1,4}(?!\$)(?<secret>[^\s;|&]{1,512})/g,
  },
  {
    id: 'chpasswd',
    hint: /chpasswd/,
    pattern:
      /\b(?:echo|printf)(?:\s{1,4}-[neE]{1,3})?\s{1,4}["']?[\w.-]{1,64}:(?!\$)(?<secret>[^\s'"|\\]{1,512})(?:\\n)?["']?\s{0,4}\|\s{0,4}(?:sudo\s{1,4})?chpasswd/g,
  },
  {
    id: 'chpasswd-here',
    hint: /chpasswd/,
    pattern:
      /\bchpasswd\b[^\n;|&<]{0,100}<<<\s{0,4}["']?[\w.-]{1,64}:(?!\$)(?<secret>[^\s'"|\\]{1,512})/g,
  },
  {
    id: 'cookie-option',
    hint: /-b |-b=|--cookie/,
    also: /curl/,
    pattern: named(
      String.raw`\bcurl\b${between}(?:-b|--cookie)[ =]{1,2}["']?[\w.-]{1,100}=(?!\$)(?<secret>[^\s'";]{4,4096})`,
    ),
  },
]

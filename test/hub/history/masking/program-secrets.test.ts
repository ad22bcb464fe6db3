import { randomBytes } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { Masker } from '#hub/history/masking/masker.ts'

const masker = new Masker({ key: randomBytes(32), isOn: true })
const secret = 'hunter2'
const aws = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

describe('a credential that only its program tells of is left out of', () => {
  test.each([
    // options
    '7z x -phunter2 a.7z',
    '7z a -mhe=on -phunter2 a.7z .env',
    'rar a -hphunter2 a.rar b',
    'unrar x -phunter2 a.rar',
    'zip -P hunter2 a.zip b',
    'openssl enc -aes-256-cbc -k hunter2 -in a',
    'openssl rsa -passin pass:hunter2 -in k',
    'openssl pkcs12 -export -passout pass:hunter2',
    'openssl dgst -sha256 -hmac hunter2 a',
    'openssl mac -macopt key:hunter2 HMAC',
    'openssl passwd -6 -salt xy hunter2',
    'smbclient -U me%hunter2 //srv/share',
    'rpcclient --user=me%hunter2 srv',
    'ssh-keygen -t ed25519 -N hunter2 -f k',
    "ssh-keygen -p -P 'hunter2' -f k",
    'twine upload -u me -p hunter2 dist/*',
    'useradd -m -p hunter2 me',
    'usermod --password hunter2 me',
    'sqlcmd -S srv -U sa -P hunter2 -Q x',
    'bcp t out f -Usa -Phunter2',
    'ipmitool -H h -U u -P hunter2 power status',
    'cqlsh -u me -p hunter2',
    'redis-cli --pass hunter2 ping',
    'oc login -u me -p hunter2',
    'snmpwalk -v3 -u me -A hunter2 -X other1234 h',
    'snmpget -v2c -c hunter2 h oid',
    'xfreerdp /u:me /p:hunter2 /v:h',
    'plink -pw hunter2 host',
    'keytool -list -storepass hunter2',
    'keytool -genkey -keypass hunter2',
    'kadmin -w hunter2 -q listprincs',
    'kadmin.local -q "addprinc -pw hunter2 me"',
    'skopeo copy --src-creds me:hunter2 docker://a docker://b',
    'etcdctl --user root:hunter2 get x',
    'lftp -u me,hunter2 host',
    'security unlock-keychain -p hunter2 login.keychain',
    "curl -b 'session=hunter2' https://x",
    'tailscale up --authkey hunter2',
    'qpdf --encrypt hunter2 owner1 256 -- a b',
    // names with the value behind a blank
    'nmcli dev wifi connect home password hunter2',
    'nmcli con modify home wifi-sec.psk hunter2',
    'git config --global github.token hunter2',
    'npm config set //registry.example/:_authToken hunter2',
    'pulumi config set --secret dbPassword hunter2',
    'netlify env:set API_TOKEN hunter2',
    'rclone config create s3 s3 secret_access_key hunter2',
    'redis-cli config set requirepass hunter2',
    'poetry config pypi-token.pypi hunter2',
    'pdftk a output b user_pw hunter2',
    'setx DB_PASSWORD hunter2',
    // by their place
    'kubectl create secret generic db --from-literal=pw=hunter2',
    'kubectl create secret generic db --from-literal user=me --from-literal pw=hunter2',
    'vault kv put secret/x pw=hunter2',
    'vault kv put -mount=secret x user=me note=hunter2',
    'vault login hunter2',
    'sqlplus me/hunter2@db',
    'sqlplus -S me/hunter2@db @q.sql',
    'expdp system/hunter2 full=y',
    String.raw`net use z: \\srv\share hunter2 /user:dom\me`,
    String.raw`net use \\srv\share hunter2`,
    'net user me hunter2 /add',
    'cmdkey /add:srv /user:me /pass:hunter2',
    "ConvertTo-SecureString 'hunter2' -AsPlainText -Force",
    'cargo login hunter2',
    'ngrok config add-authtoken hunter2',
    'rabbitmqctl add_user me hunter2',
    'wpa_passphrase home hunter2',
    'mc alias set s https://h AKEY hunter2',
    'htpasswd -nbB me hunter2',
    'bw unlock hunter2',
    'DB_PW=hunter2 ./run',
    `psql -c "ALTER USER me WITH PASSWORD 'hunter2'"`,
    `mysql -e "CREATE USER 'me'@'%' IDENTIFIED BY 'hunter2'"`,
    `mysql -e "SET PASSWORD FOR 'me'@'h' = 'hunter2'"`,
    // said to a program
    'echo hunter2 | docker login --password-stdin -u me',
    "printf '%s' hunter2 | podman login --password-stdin",
    'echo -n "hunter2" | sudo -S ls',
    'echo hunter2 | tr -d x | sudo -kS ls',
    'echo hunter2 | gh auth login --with-token',
    'echo hunter2 | gpg --batch --passphrase-fd 0 -d a',
    'echo hunter2 | passwd --stdin me',
    'yes hunter2 | passwd me',
    'echo hunter2 | kinit me',
    'echo hunter2 | docker secret create db -',
    'passwd --stdin me <<< hunter2',
    'cryptsetup luksOpen /dev/sdb x <<< hunter2',
    'sudo -S ls <<< "hunter2"',
    "sudo -S ls <<'EOF'\nhunter2\nEOF",
    'chpasswd <<< me:hunter2',
    `expect -c 'spawn ssh h; expect "assword:"; send "hunter2\\r"; interact'`,
  ])('%s', (command) => {
    const masked = masker.mask(command)
    expect(masked).not.toContain(secret)
    expect(masked).toMatch(/\[masked:[0-9a-f]{8}\]/)
    expect(masker.mask(masked)).toBe(masked)
  })

  test.each([
    [`aws configure set aws_secret_access_key ${aws}`, aws],
    ['OPENAI_KEY=abc123def456 x', 'abc123def456'],
    ['export GITHUB_PAT=abc123def456', 'abc123def456'],
  ])('%s', (command, value) => {
    expect(masker.mask(command)).not.toContain(value)
  })
})

test.each([
  '7z x a.7z -oout',
  'useradd -m -s /bin/bash me',
  'ssh-keygen -t ed25519 -N "" -f key',
  'openssl enc -d -in a -out b -pass env:KEY',
  'openssl x509 -in cert.pem -noout -text',
  'kubectl get secret db-password other -o yaml',
  'kubectl create secret generic db --from-file=./cert',
  'git config --global user.name me',
  'git config credential.helper store',
  'npm config set registry https://registry.example/',
  'sqlplus / as sysdba',
  'echo done | tee log',
  'echo secret words | wc -w',
  'echo y | sudo apt-get install jq',
  'cat token.txt | docker login --password-stdin -u me',
  'vault kv get secret/x',
  'vault kv put secret/x @data.json',
  'docker secret create db ./file',
  'net use z: /delete',
  'curl -b cookies.txt https://x',
  'curl -A Mozilla/5.0 https://x',
  'CACHE_KEY=v1-linux-x64 make',
  'PRIMARY_KEY=id7 SORT_KEY=name2 run',
  'nmcli dev wifi list',
  'rg "password" src',
  'sudo -u postgres psql -c "SELECT 1"',
  'git push -u origin main:main',
  'docker run -u 1000:1000 nginx',
  'redis-cli -h h -p 6380 ping',
  "go test ./... | grep -E '^(--- PASS: TestA|--- FAIL)'",
  'secretsdump.py -no-pass domain/user@host',
  'hydra -l me -P words.txt ssh://h',
  'find / -name mysql -print',
  'http -a GET localhost:8080/x',
])('nothing is left out of %s', (command) => {
  expect(masker.mask(command)).toBe(command)
})

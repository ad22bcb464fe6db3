import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { Masker } from '#hub/history/masking/masker.ts'
import { hint, isSecretName, secretPatterns } from '@centralpost/shared'

const masker = new Masker({ key: randomBytes(32), isOn: true })

// written in two parts, so that no scanner takes the test for a leak
const joined = (...parts: readonly string[]): string => parts.join('')
const gh = joined('gh', 'p_', 'a1B2'.repeat(9))
const aws = joined('AK', 'IA', 'IOSFODNN7EXAMPLE')
const jwt = joined(
  'ey',
  'J',
  'hbGciOiJIUzI1NiJ9',
  '.ey',
  'J',
  'zdWIiOiIxMjM0In0',
  '.SflKxwRJSMeKKF2QT4',
)
const slack = joined('xo', 'xb-', '123456789012-abcdefghijkl')
const openai = joined('sk', '-proj-', 'abcdefghijklmnopqrstuvwx')
const pem = joined(
  '-----BEGIN RSA ',
  'PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nq1w2\n-----END RSA ',
  'PRIVATE KEY-----',
)

const time = (text: string): number => {
  const from = performance.now()
  masker.mask(text)
  return performance.now() - from
}

describe('what looks like a credential', () => {
  test.each([
    [`git clone https://x:${gh}@github.com/a/b`, gh],
    [`git clone https://${gh}@github.com/a/b`, gh],
    [`export GITHUB_TOKEN=${gh}`, gh],
    [`aws configure set aws_access_key_id ${aws}`, aws],
    ['AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG aws s3 ls', 'wJalrXUtnFEMI/K7MDENG'],
    [`curl -H "Authorization: Bearer ${jwt}" https://x`, jwt],
    ['curl -H "Authorization: Basic dXNlcjpwYXNz" https://x', 'dXNlcjpwYXNz'],
    ["curl -H 'X-Api-Key: 1234abcd5678' https://x", '1234abcd5678'],
    ['curl -u admin:hunter2 https://x', 'hunter2'],
    ['curl --user=admin:hunter2 https://x', 'hunter2'],
    ['curl "https://api.x/v1?api_key=abcd1234&page=2"', 'abcd1234'],
    [`slack --token ${slack}`, slack],
    [`OPENAI_API_KEY=${openai} python run.py`, openai],
    ['mysql -u root -phunter2 db', 'hunter2'],
    ['mysqldump --password=hunter2 db', 'hunter2'],
    ["mysql --password 'two words' db", 'two words'],
    ['PGPASSWORD=hunter2 psql -h db', 'hunter2'],
    ['psql postgresql://app:hunter2@db/x', 'hunter2'],
    ['sshpass -p hunter2 ssh host', 'hunter2'],
    ['redis-cli -a hunter2 ping', 'hunter2'],
    ['docker login -u me -p hunter2 registry', 'hunter2'],
    ['echo "root:hunter2" | sudo chpasswd', 'hunter2'],
    ['htpasswd -bc file user hunter2', 'hunter2'],
    ['{"password": "hunter2", "user": "x"}', 'hunter2'],
    ['db_password: hunter2', 'hunter2'],
    ['client_secret = "s3cr3t-value"', 's3cr3t-value'],
    ['tool --api-key s3cr3t-value run', 's3cr3t-value'],
    ['tool --auth-token=s3cr3t-value run', 's3cr3t-value'],
    ['machine x login me password hunter2', 'hunter2'],
    [
      'DefaultEndpointsProtocol=https;AccountKey=abcdEFGH1234abcdEFGH1234==;x',
      'abcdEFGH1234abcdEFGH1234==',
    ],
    [`printf '%s' '${pem}' > key`, pem],
    ['MY_APP_PASSWORD_PROD=hunter2 run', 'hunter2'],
  ])('is left out of %s', (text, secret) => {
    const masked = masker.mask(text)
    expect(masked).not.toContain(secret)
    expect(masked).toMatch(/\[masked:[0-9a-f]{8}\]/)
    expect(masker.secretsIn(text)).toContain(secret)
    // what was masked is not masked again
    expect(masker.mask(masked)).toBe(masked)
  })

  test.each([
    'ls -la /srv/project',
    'git commit -m "fix the tokenizer and the password form"',
    'git log --author=me --oneline',
    'pytest tests/test_auth.py -k token',
    'python tokenizer.py --tokenizer=bert --max-tokens=4096',
    'TOKEN_LIMIT=100 PASSWORD_FILE=/run/secrets/db node app.js',
    'mysql --password-file=/run/secrets/db -p db',
    'curl -H "Authorization: Bearer $TOKEN" https://x',
    'curl -u "$USER:$PASS" https://x',
    'psql postgresql://app:$PGPASSWORD@db/x',
    'PASSWORD=${PASSWORD} make',
    'export PATH=/usr/bin PWD_DIR=/x',
    'mkdir -p src/secrets/tests',
    'docker run -p 8080:80 nginx',
    'ssh -p 2222 host uptime',
    'grep -rn "secret" src',
    'cp -a auth/ backup/',
    'kubectl get secrets -o name',
    'gcloud auth login',
    'aws s3 cp s3://bucket/key.txt .',
    'openssl rand -hex 32',
    'npm run build -- --token-type=jwt',
    'echo password: <your password>',
    'sort -u names.txt',
    'sha256sum a1b2c3d4e5f60718293a4b5c6d7e8f90',
    'git checkout 3f786850e387550fdab836ed7e6dc881de23001b',
    'pwd',
    'PWD=/home/me OLDPWD=/tmp env',
    'http://localhost:8080/path@2x.png',
    'rsync -avz user@host:/path .',
    'password=true',
  ])('is not seen where there is none: %s', (text) => {
    expect(masker.mask(text)).toBe(text)
  })

  test('in an environment goes by its name as well', () => {
    const env = { DB_PASSWORD: 'a b', NORMAL: 'value', URL: 'https://u:pw12@h/', API_KEYS: 'k' }
    const known = masker.secretsOfEnv(env)
    expect([...known].toSorted()).toEqual(['a b', 'k', 'pw12'])
    const masked = masker.maskEnv(env, known)
    expect(masked['NORMAL']).toBe('value')
    expect(JSON.stringify(masked)).not.toMatch(/a b|pw12|"k"/)
  })

  test('stands for the same mark wherever it is, and for another one under another key', () => {
    const mark = masker.mark('hunter2')
    expect(masker.mask('PASSWORD=hunter2 x')).toContain(mark)
    expect(masker.mask('--password hunter2')).not.toContain('hunter2')
    const other = new Masker({ key: randomBytes(32), isOn: true })
    expect(other.mark('hunter2')).not.toBe(mark)
  })

  test('is left alone when masking is off; what operators name is left out too', () => {
    const off = new Masker({ key: randomBytes(32), isOn: false })
    expect(off.mask('PASSWORD=hunter2')).toBe('PASSWORD=hunter2')
    const own = new Masker({
      key: randomBytes(32),
      isOn: true,
      patterns: [/employee (?<secret>\d{6})/],
    })
    expect(own.mask('look up employee 123456 now')).toMatch(/employee \[masked:\w+\] now/)
  })

  test('costs time in proportion to the text, also of hostile text', () => {
    const pieces = [
      'a',
      'password',
      '=',
      ' ',
      '-',
      ':',
      '/',
      '@',
      '"',
      "'",
      'token_',
      'eyJ',
      '.',
      '\n',
      'curl ',
      '-u ',
      'mysql ',
      '-p',
      'BEGIN ',
      '-----BEGIN RSA PRIVATE KEY-----',
    ]
    for (const piece of pieces) {
      for (const other of ['', 'x', ' ']) {
        const unit = piece + other
        const text = unit.repeat(Math.ceil(65_536 / unit.length))
        // far from a promise of speed; what is quadratic takes minutes here
        expect(time(text)).toBeLessThan(2000)
      }
    }
  }, 120_000)

  test('is never without a hint: what the patterns find is looked for at all', () => {
    const word = fc.constantFrom(
      gh,
      aws,
      jwt,
      'password',
      'PGPASSWORD',
      'x',
      '-u',
      '-p',
      '=',
      ':',
      ' ',
      '://',
      '@',
      'curl',
      'mysql',
      'token',
      '"',
      'login ',
      'a'.repeat(20),
      '123456789:AA',
      'X-Api-Key',
      'Authorization',
      'Bearer ',
      'Cookie',
      '?sig',
      'redis-cli -a ',
      'unzip -P ',
      'sshpass -p',
      ' --user ',
      'htpasswd -b ',
      'echo a:b|chpasswd',
      'AccountKey=',
      '\n',
      'é"',
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        const text = words.join('')
        return secretPatterns.every(({ hint: ofThis, pattern, isNamed }) => {
          const isFound = [...text.matchAll(pattern)].some(
            (match) => !isNamed || isSecretName(match.groups?.['name'] ?? ''),
          )
          const looked = [text, JSON.stringify({ text })]
          return !isFound || looked.every((one) => hint.test(one) && ofThis.test(one))
        })
      }),
      { numRuns: 20_000 },
    )
    expect(masker.secretsIn(gh).size + masker.secretsIn(aws).size).toBe(2)
  })
})

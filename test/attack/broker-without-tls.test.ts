import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { Agent, Operator } from '@centralpost/agents'
import { Bus, type BusCredentials, externalCredentials, silentLogger } from '@centralpost/shared'
import { type Certificate, newCa, signedBy } from '../support/certificates.ts'
import { eventually } from '../support/eventually.ts'
import { PlainServer } from '../support/plain-server.ts'
import { TempDir } from '../support/temp-dir.ts'

let files: TempDir
let ca: Certificate
let server: Certificate
let client: Certificate

beforeAll(async () => {
  files = await TempDir.make()
  ca = await newCa(files.path, 'ca')
  server = await signedBy(ca, files.path, 'server', 'DNS:localhost,IP:127.0.0.1')
  client = await signedBy(ca, files.path, 'client', 'DNS:client')
})
afterAll(() => files[Symbol.asyncDispose]())

const secret = { user: 'hub', pass: 'pass-secret', token: 'token-secret' }

/** Stands where a broker should be, says what it is told to, and keeps every byte that it hears. */
class Impostor implements AsyncDisposable {
  heard = ''
  calls = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(info: object) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      this.calls += 1
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        this.heard += bytes.toString('latin1')
        if (bytes.toString('latin1').includes('PING')) socket.write('+OK\r\nPONG\r\n')
      })
      socket.write(`INFO ${JSON.stringify(info)}\r\n`)
    })
  }

  static async start(info: object, port = 0): Promise<Impostor> {
    const it = new Impostor({
      server_id: 'X',
      version: '2.10.0',
      proto: 1,
      max_payload: 1e6,
      ...info,
    })
    await once(it.#server.listen(port, '127.0.0.1'), 'listening')
    return it
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

const connect = (credentials: BusCredentials): Promise<Bus> =>
  Bus.connect({ credentials, name: 'test', log: silentLogger, connectTimeoutMs: 1500 })

test.each([
  ['says nothing of TLS', {}],
  ['asks for the password at once', { auth_required: true, tls_required: false }],
  ['signs a challenge', { auth_required: true, nonce: 'abcdefghijk' }],
])(
  'a broker that offers no TLS and %s hears nothing of a client of tls://',
  async (_what, info) => {
    await using impostor = await Impostor.start(info)
    for (const address of [
      `tls://127.0.0.1:${impostor.port}`,
      `TLS://localhost:${impostor.port}`,
    ]) {
      await expect(connect({ servers: [address], ...secret })).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringMatching(/offers no encryption.*nothing was sent/),
      })
    }
    expect(impostor.heard).toBe('')
  },
)

test('one encrypted address among others, or a CA, demands encryption of all of them', async () => {
  await using impostor = await Impostor.start({})
  const plain = `nats://127.0.0.1:${impostor.port}`
  await expect(
    connect({ servers: [plain, `tls://localhost:${impostor.port}`], ...secret }),
  ).rejects.toMatchObject({ code: 'forbidden' })
  await expect(connect({ servers: [plain], ca: ca.cert, ...secret })).rejects.toMatchObject({
    code: 'forbidden',
  })
  expect(impostor.heard).toBe('')
})

test('an agent and an operator send nothing in clear either', async () => {
  await using impostor = await Impostor.start({ auth_required: true })
  const env = { NATS_URL: `tls://agent-a:pass-secret@127.0.0.1:${impostor.port}` }
  await expect(Agent.connect({ name: 'agent-a', env })).rejects.toThrow(/no encryption/)
  await expect(Operator.connect({ name: 'alice', env })).rejects.toThrow(/no encryption/)
  expect(impostor.heard).toBe('')
})

test('who takes the place of a lost broker hears no password at the reconnect', async () => {
  let broker: PlainServer | undefined = await PlainServer.start(tlsConfig(server))
  const { port } = broker
  const bus = await connect({ servers: [`tls://127.0.0.1:${port}`], ca: ca.cert, ...secret })
  try {
    await broker[Symbol.asyncDispose]()
    broker = undefined
    await using impostor = await eventually(() => Impostor.start({ auth_required: true }, port))
    await eventually(() => impostor.calls >= 2)
    expect(impostor.heard).toBe('')
    expect(bus.isConnected).toBe(false)
  } finally {
    await bus.drain()
    await broker?.[Symbol.asyncDispose]()
  }
})

describe('a broker with TLS', () => {
  test('is used encrypted, under its name and under its address, with each kind of credentials', async () => {
    await using broker = await PlainServer.start(
      `${tlsConfig(server)} authorization { token: "token/with+signs" }`,
    )
    for (const host of ['localhost', '127.0.0.1']) {
      const env = {
        NATS_URL: `tls://${encodeURIComponent('token/with+signs')}@${host}:${broker.port}`,
        NATS_CA: ca.cert,
      }
      await using bus = await connect(externalCredentials(env)!)
      expect(bus.broker.isEncrypted).toBe(true)
    }
  })

  test.each([
    ['a certificate that nobody known has signed', {}, /signed by an unknown CA.*NATS_CA/],
    ['a certificate of another CA', { ca: 'other' }, /no CA in .*other.*NATS_CA/],
    ['a CA that is no file', { ca: 'missing' }, /missing.*NATS_CA/],
    ['a certificate without its key', { cert: 'client' }, /NATS_KEY/],
    ['a key without its certificate', { key: 'client' }, /NATS_CERT/],
  ])('%s is told with the way out', async (_what, given: Record<string, string>, says) => {
    await newCa(files.path, 'other')
    await using broker = await PlainServer.start(tlsConfig(server))
    const names = Object.entries(given).map(([name, file]) => [name, `${files.path}/${file}.pem`])
    const servers = [`tls://localhost:${broker.port}`]
    await expect(connect({ servers, ...(Object.fromEntries(names) as object) })).rejects.toThrow(
      says,
    )
  })

  test('a certificate for another name or another address is refused', async () => {
    const other = await signedBy(ca, files.path, 'elsewhere', 'DNS:elsewhere,IP:127.0.0.9')
    await using broker = await PlainServer.start(tlsConfig(other))
    for (const host of ['localhost', '127.0.0.1']) {
      const servers = [`tls://${host}:${broker.port}`]
      await expect(connect({ servers, ca: ca.cert })).rejects.toThrow(/is for another name/)
    }
  })

  test.each(['1.2', '1.3'])(
    'a client certificate is demanded, named and shown (TLS %s)',
    async (version) => {
      const stranger = await signedBy(
        await newCa(files.path, 'strange'),
        files.path,
        'stranger',
        'DNS:x',
      )
      await using broker = await PlainServer.start(
        tlsConfig(
          server,
          `ca_file: "${ca.cert}", verify: true${version === '1.2' ? ', cipher_suites: ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]' : ''}`,
        ),
      )
      const servers = [`tls://localhost:${broker.port}`]
      await expect(connect({ servers, ca: ca.cert })).rejects.toThrow(
        /demands a client certificate.*NATS_CERT.*NATS_KEY/,
      )
      await expect(connect({ servers, ca: ca.cert, ...stranger })).rejects.toThrow(
        /refused the client certificate .*stranger/,
      )
      await using bus = await connect({ servers, ca: ca.cert, ...client })
      expect(bus.isConnected).toBe(true)
    },
  )
})

test.each([
  ['a wrong token', 'wrong@', /refused this token.*NATS_TOKEN/],
  ['a wrong password', 'alice:wrong@', /refused the user "alice".*NATS_PASSWORD/],
  ['no credentials', '', /demands credentials.*NATS_TOKEN/],
])('%s is told by what it is', async (_what, login, says) => {
  await using broker = await PlainServer.start('authorization { token: "right" }')
  const credentials = externalCredentials({ NATS_URL: `nats://${login}127.0.0.1:${broker.port}` })!
  await expect(connect(credentials)).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringMatching(says),
  })
})

test.each(['wss://127.0.0.1:1', 'http://127.0.0.1:1', 'tls:/127.0.0.1', 'tls://', ''])(
  'what is no address of a broker is refused: %j',
  async (address) => {
    await expect(connect({ servers: [address], ...secret })).rejects.toMatchObject({
      code: 'invalid_config',
    })
  },
)

function tlsConfig({ cert, key }: Certificate, more = ''): string {
  return `tls { cert_file: "${cert}", key_file: "${key}", ${more} }\n`
}

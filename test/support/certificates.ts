import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'

const openssl = (args: string) => promisify(execFile)('openssl', args.split(' '))

/** A certificate and its key as files; the certificate of a CA when it has signed others. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Makes the certificate of a CA of our own. */
export async function newCa(dir: string, name: string): Promise<Certificate> {
  const files = { cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) }
  await openssl(
    `req -x509 ${newKey} -days 2 -subj /CN=${name} -keyout ${files.key} -out ${files.cert}`,
  )
  return files
}

/**
 * Makes a certificate that a CA has signed.
 *
 * @param names for what it is, as openssl writes it: `DNS:localhost,IP:127.0.0.1`
 */
export async function signedBy(
  ca: Certificate,
  dir: string,
  name: string,
  names: string,
): Promise<Certificate> {
  const files = { cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) }
  const request = join(dir, `${name}.csr`)
  const extensions = join(dir, `${name}.ext`)
  await writeFile(extensions, `subjectAltName=${names}\n`)
  await openssl(`req ${newKey} -subj /CN=${name} -keyout ${files.key} -out ${request}`)
  await openssl(
    `x509 -req -in ${request} -CA ${ca.cert} -CAkey ${ca.key} -CAcreateserial -days 2 ` +
      `-extfile ${extensions} -out ${files.cert}`,
  )
  return files
}

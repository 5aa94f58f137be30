import { spawn } from 'node:child_process'
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A running MiniStack: AWS on a loopback port, over TLS, with IAM enforced. */
export interface Emulator {
  port: number
  /** A file with the emulator's certificate, for clients to trust. */
  ca: string
  /** The environment of commands that use it. */
  env: NodeJS.ProcessEnv
  log: string
  /** The emulator's address for an address of API Gateway: it knows APIs by its own host name only. */
  reach(url: string): string
  stop(): Promise<void>
}

/** Credentials that MiniStack accepts as the root user of the account. */
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
export const region = 'us-east-1'
/** The account of these credentials. */
export const accountId = '000000000000'

/** Starts MiniStack with its files in this empty folder. */
export async function startEmulator({
  bin,
  folder,
  nodeBin,
  sdk,
}: {
  bin: string
  folder: string
  nodeBin: string
  sdk: string
}): Promise<Emulator> {
  const port = await freePort()
  const log = join(folder, 'ministack.log')
  const output = openSync(log, 'w')
  const child = spawn(join(bin, 'ministack'), [], {
    cwd: folder,
    // Its own process group, so that its Lambda workers end with it.
    detached: true,
    stdio: ['ignore', output, output],
    env: {
      // Without these variables its functions trust its own certificate.
      ...inherited(/^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|REQUESTS_CA_BUNDLE)$/),
      PATH: `${nodeBin}${delimiter}${process.env['PATH'] ?? ''}`,
      GATEWAY_PORT: String(port),
      BIND_HOST: '127.0.0.1',
      TMPDIR: folder,
      S3_DATA_DIR: join(folder, 's3'),
      STATE_DIR: join(folder, 'state'),
      // TLS and IAM, so that the policies of buckets, queues and roles are rehearsed as well.
      USE_SSL: '1',
      AUTH: 'true',
      LAMBDA_EXECUTOR: 'local',
      // Its worker calls require() on a bundle, and import() only after an error.
      NODE_OPTIONS: '--no-experimental-require-module',
      // The SDK clients of a real Lambda runtime, for SST's function in its bootstrap stack.
      NODE_PATH: sdk,
    },
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    process.kill(-child.pid, 'SIGTERM')
    await Promise.race([ended, sleep(5000)])
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL')
    await ended
  }
  try {
    const ca = await ready(folder, port, () => child.exitCode !== null)
    const reach = (url: string) => url.replace(`.${region}.amazonaws.com`, `.localhost:${port}`)
    return { port, ca, env: clientEnv(port, ca), log, reach, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function ready(folder: string, port: number, hasEnded: () => boolean): Promise<string> {
  const certificate = join(folder, 'ministack-tls', 'server.crt')
  for (let attempt = 0; attempt < 150; attempt++) {
    if (hasEnded()) throw new Error('MiniStack ended during its start.')
    if (existsSync(certificate) && (await isHealthy(port, certificate))) return bundle(folder, certificate)
    await sleep(200)
  }
  throw new Error('MiniStack did not answer within 30 s.')
}

async function isHealthy(port: number, certificate: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const request = get(
      { host: '127.0.0.1', port, path: '/_ministack/health', ca: readFileSync(certificate) },
      (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      },
    )
    request.on('error', () => resolve(false))
  })
}

/** The certificate authorities of this machine, which npm may need, and the emulator's certificate, in one file. */
function bundle(folder: string, certificate: string): string {
  const own = process.env['NODE_EXTRA_CA_CERTS']
  const file = join(folder, 'ca.pem')
  writeFileSync(
    file,
    [...(own && existsSync(own) ? [readFileSync(own, 'utf8')] : []), readFileSync(certificate, 'utf8')].join('\n'),
  )
  return file
}

function clientEnv(port: number, ca: string): NodeJS.ProcessEnv {
  return {
    ...inherited(),
    AWS_ENDPOINT_URL: `https://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: region,
    MAIL_FROM: 'rehearsal.example',
    CORS_ORIGINS: 'https://app.rehearsal.example',
    ALARM_EMAIL: 'alarms@rehearsal.example',
    // The SDK reads the first variable, the CDK command line only the second.
    NODE_EXTRA_CA_CERTS: ca,
    AWS_CA_BUNDLE: ca,
    CI: 'true',
    SST_TELEMETRY_DISABLED: '1',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  }
}

/** The environment without variables that lead to a real AWS account. */
function inherited(without = /^$/): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AWS_|SST_|API_URL$)/.test(name) && !without.test(name)),
  )
}

/** A port of loopback that nothing listens on. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

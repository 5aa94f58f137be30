import { randomInt } from 'node:crypto'
import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Actor, Identity, type Runtime } from '@cloudoptima/core'
import { startProduct } from '@cloudoptima/local'

/** The product on one machine, with a new data folder. */
export interface Target {
  /** URL of a proxy that gives each request another client address. */
  url: string
  /** Creates an organization of the tier `enterprise` and returns its admin's access token. */
  admin(name: string): Promise<string>
  close(): Promise<void>
}

/** Starts the product. A local server that always answers 503 replaces the clouds. */
export async function startTarget(dataDir: string): Promise<Target> {
  const busy = await listen((_, response) => void response.writeHead(503).end())
  const clouds = {
    aws: busy.url,
    azure: { authority: busy.url, resourceManager: busy.url },
    gcp: { token: busy.url, api: busy.url },
  }
  const keys = {
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: '',
    AWS_REGION: 'us-east-1',
  }
  Object.assign(process.env, { ...keys, AWS_EC2_METADATA_DISABLED: 'true', CLOUD_ENDPOINTS: JSON.stringify(clouds) })
  const product = await startProduct({ dataDir, port: 0 })
  const proxy = await listen(proxyTo(new URL(product.api ?? '')))
  const { ctx, services } = product
  trustAnyIssuer(services.runtime)
  return {
    url: proxy.url,
    async admin(name) {
      const founder = { ...ctx, orgId: ctx.newId('org'), actor: Actor.system('attack') }
      const passwordHash = await services.runtime.passwords.hash('correct horse battery staple')
      const user = await Identity.foundOrganization(
        founder,
        { name, email: `${name}@example.com`, passwordHash, emailVerified: true },
        { tier: 'enterprise' },
      )
      return (await Identity.Session.open({ ...founder, actor: Actor.anonymous() }, user, 'password')).accessToken
    },
    async close() {
      proxy.close()
      busy.close()
      await product.close()
    },
  }
}

/** Saves the issuers of the contract's examples without a request: they are outside of this machine. */
function trustAnyIssuer(runtime: Runtime): void {
  const { begin, finish } = runtime.openId
  runtime.openId = { begin, finish, check: async () => undefined }
  runtime.tokens.checkIssuer = async () => undefined
}

async function listen(answer: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(answer)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

/** Forwards each request from a random address of 127.0.0.0/8 (Linux), so that no rate limit stops the test. */
function proxyTo({ hostname, port }: URL): RequestListener {
  const localAddress = () =>
    process.platform === 'linux'
      ? { localAddress: `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}` }
      : {}
  return (incoming, response) => {
    const { method, url: path, rawHeaders } = incoming
    const onward = httpRequest(
      { hostname, port, method, path, headers: rawHeaders, agent: false, setHost: false, ...localAddress() },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        answer.pipe(response)
      },
    )
    onward.on('error', () => response.destroy())
    incoming.pipe(onward)
  }
}

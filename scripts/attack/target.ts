import { randomInt } from 'node:crypto'
import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Actor, Identity } from '@cloudoptima/core'
import { startProduct } from '@cloudoptima/local'

/** The product as it runs on one machine, on a data folder of its own. */
export interface Target {
  /** Where it is reached: each request comes from another address, as if many people asked. */
  url: string
  /** Founds an organization of the largest tier; answers the access token of its admin. */
  admin(name: string): Promise<string>
  close(): Promise<void>
}

/** Starts it. Its clouds are a server of this machine that never has time. */
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
  const crowd = await listen(fromAnywhere(new URL(product.api ?? '')))
  const { ctx, services } = product
  return {
    url: crowd.url,
    async admin(name) {
      const founder = { ...ctx, orgId: ctx.newId('org'), actor: Actor.system('attack') }
      const passwordHash = await services.runtime.passwords.hash('correct horse battery staple')
      const user = await Identity.found(
        founder,
        { name, email: `${name}@example.com`, passwordHash, emailVerified: true },
        { tier: 'enterprise' },
      )
      return (await Identity.Session.open({ ...founder, actor: Actor.anonymous() }, user, 'password')).accessToken
    },
    async close() {
      crowd.close()
      busy.close()
      await product.close()
    },
  }
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

/** Hands each request on from an address of its own, where a machine has a whole network of them: what one address may ask would end the attack after a minute. */
function fromAnywhere({ hostname, port }: URL): RequestListener {
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

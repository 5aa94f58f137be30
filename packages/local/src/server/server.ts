import { once } from 'node:events'
import { isIP, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createAdaptorServer } from '@hono/node-server'
import { Fault, hasCode } from '@cloudoptima/core'
import { type ListenOptions, isLoopbackHost } from './exposure.ts'
import { answerOf, longestMs, refuseBroken, within } from './server-limits.ts'

export interface Server {
  url: string
  /** Stops after the open answers. */
  close(): Promise<void>
}

type Fetch = Parameters<typeof createAdaptorServer>[0]['fetch']

const loopback = '127.0.0.1'
const localNames = [loopback, 'localhost', '[::1]']

/** Serves HTTP, on a loopback address only under names of this machine and of the proxy. */
export async function listen(
  fetch: Fetch,
  { port, orFreePort, host = loopback, publicUrl }: ListenOptions,
): Promise<Server> {
  // Node would listen on all addresses for an empty host.
  if (host === '') throw noAddress('An empty address')
  const isClosed = isLoopbackHost(host)
  const name = nameOf(host)
  const names = [...new Set([...localNames, name, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])])]
  const timely = within(longestMs, fetch)
  const server = createAdaptorServer({
    fetch: (request, env) =>
      !isClosed || isForUs(env.incoming.headers.host, names) ? timely(request, env) : misdirected(names),
    hostname: host,
    serverOptions: { requestTimeout: longestMs },
  })
  refuseBroken(server)
  try {
    await bind(server, port, host)
  } catch (error) {
    if (hasCode(error, 'EADDRNOTAVAIL', 'ENOTFOUND', 'EINVAL')) throw noAddress(host)
    if (!hasCode(error, 'EADDRINUSE')) throw error
    if (!orFreePort)
      throw new Fault('conflict', `Port ${port} is in use. Name another port, for example --port ${port + 1}.`)
    await bind(server, 0, host)
  }
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${name}:${bound}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        if ('closeIdleConnections' in server) server.closeIdleConnections()
      }),
  }
}

/** The first external address stands for a wildcard. */
function nameOf(host: string) {
  const written = isIP(host) === 6 ? `[${host}]` : host
  if (host !== '0.0.0.0' && host !== '::') return URL.parse(`http://${written}`)?.hostname ?? written
  const outer = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal),
  )
  return outer[0]?.address ?? loopback
}

/** Against DNS rebinding: a web page cannot choose the Host header. */
function isForUs(host: string | undefined, names: readonly string[]) {
  return names.includes((host ?? '').toLowerCase().replace(/:\d+$/, ''))
}

function misdirected(names: readonly string[]): Response {
  const detail =
    `This API answers requests for ${names.join(', ')} only. Use one of these names. Behind a proxy, ` +
    'start the API with --public-url.'
  return answerOf(421, detail)
}

function noAddress(host: string) {
  return new Fault(
    'invalid',
    `${host} is not an address of this machine. Name one with --host, or 0.0.0.0 for all addresses.`,
  )
}

async function bind(server: ReturnType<typeof createAdaptorServer>, port: number, host: string) {
  server.listen(port, host)
  await once(server, 'listening')
}

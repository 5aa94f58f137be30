import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Fault } from '@cloudoptima/core'

export interface Server {
  /** `http://127.0.0.1:4000` */
  url: string
  /** Lets answers that are being written end. */
  close(): Promise<void>
}

const loopback = '127.0.0.1'
const localHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i

/** Serves HTTP on this machine only, and only to who calls it by a name of this machine. Throws Fault `conflict` when the port is in use, unless any free one will do. */
export async function listen(fetch: (request: Request) => Response | Promise<Response>, port: number, orFree: boolean): Promise<Server> {
  const server = createAdaptorServer({ fetch: (request) => (isForUs(request) ? fetch(request) : misdirected()), hostname: loopback })
  try {
    await bind(server, port)
  } catch (error) {
    if (!isInUse(error)) throw error
    if (!orFree) throw new Fault('conflict', `Port ${port} is in use. Name another one with --port, for example --port ${port + 1}.`)
    await bind(server, 0)
  }
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${loopback}:${bound}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        if ('closeIdleConnections' in server) server.closeIdleConnections()
      }),
  }
}

/** A web page may point a name of its own at this machine, and its visitor's browser would let it read the answers: what it cannot choose is the Host. */
function isForUs(request: Request): boolean {
  return localHost.test(request.headers.get('host') ?? '')
}

function misdirected(): Response {
  const detail = 'This API answers to 127.0.0.1, localhost and [::1] only: ask for it by one of these names.'
  const problem = { type: 'about:blank', title: 'Misdirected Request', status: 421, detail }
  return Response.json(problem, { status: 421, headers: { 'content-type': 'application/problem+json' } })
}

function bind(server: ReturnType<typeof createAdaptorServer>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, loopback, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}

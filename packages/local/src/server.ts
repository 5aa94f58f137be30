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

/** Serves HTTP on this machine only. Throws Fault `conflict` when the port is in use, unless any free one will do. */
export async function listen(fetch: (request: Request) => Response | Promise<Response>, port: number, orFree: boolean): Promise<Server> {
  const server = createAdaptorServer({ fetch, hostname: loopback })
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

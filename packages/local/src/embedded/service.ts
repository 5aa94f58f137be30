import { once } from 'node:events'
import type { Server } from 'node:http'

/** An embedded server: where it answers, and how it ends. */
export interface Service {
  url: string
  close(): Promise<void>
}

/** Listens on a free port of this machine only. */
export async function listen(server: Server): Promise<Service> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      // Clients keep connections alive; those that wait for nothing need not hold up the end.
      const idle = setInterval(() => server.closeIdleConnections(), 20)
      try {
        await new Promise<void>((resolve, reject) => void server.close((error) => (error ? reject(error) : resolve())))
      } finally {
        clearInterval(idle)
      }
    },
  }
}

import { once } from 'node:events'
import type { Server } from 'node:http'

export interface Service {
  url: string
  close(): Promise<void>
}

export async function listen(server: Server): Promise<Service> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The embedded server does not listen on a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      // Idle keep-alive connections of clients would delay the close.
      const idle = setInterval(() => server.closeIdleConnections(), 20)
      try {
        await new Promise<void>((resolve, reject) => void server.close((error) => (error ? reject(error) : resolve())))
      } finally {
        clearInterval(idle)
      }
    },
  }
}

import type { IncomingMessage, RequestListener, Server } from 'node:http'

/**
 * Makes a loopback server refuse browsers. A request with an `Origin` header comes from a web page and gets 403. A
 * request with another `Host` may come by DNS rebinding and gets 421.
 */
export function guard(server: Server): void {
  const listeners = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const status = refusalOf(request)
    if (status !== undefined) return void response.writeHead(status, { Connection: 'close' }).end()
    for (const listen of listeners) listen(request, response)
  })
}

function refusalOf({ headers, socket }: IncomingMessage): number | undefined {
  if (headers.origin !== undefined) return 403
  // Clients use the published address, and no other name of it.
  return headers.host === `127.0.0.1:${socket.localPort}` ? undefined : 421
}

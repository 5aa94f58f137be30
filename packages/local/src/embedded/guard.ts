import type { IncomingMessage, RequestListener, Server } from 'node:http'

/** Refuses web pages: a request with an `Origin` gets 403, one with another `Host` (DNS rebinding) 421. */
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
  return headers.host === `127.0.0.1:${socket.localPort}` ? undefined : 421
}

import type { IncomingMessage, RequestListener, Server } from 'node:http'

/**
 * Has a server on loopback answer to programs of this machine alone, whoever listens to its requests now: a browser is refused with 403, for it names the page that
 * asks in `Origin`, and with 421 where a page pointed a name of its own at this machine, for that stands in `Host`.
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
  // The address that was given out, and no other name of it.
  return headers.host === `127.0.0.1:${socket.localPort}` ? undefined : 421
}

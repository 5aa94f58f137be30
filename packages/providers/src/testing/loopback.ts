import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A request to a test server. */
export interface ReceivedRequest {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
}

/** An answer of a test server. A string or bytes are sent as they are, any other body as JSON. */
export interface Reply {
  status?: number
  headers?: Record<string, string>
  body?: unknown
  /** Breaks the connection in the middle of the body. */
  isCut?: boolean
}

/** A test server on loopback, with the requests it received. */
export interface Loopback {
  url: string
  seen: ReceivedRequest[]
  close(): Promise<void>
}

/** Starts a server that answers by `answer`. */
export async function listen(answer: (request: ReceivedRequest) => Reply | Promise<Reply>): Promise<Loopback> {
  const seen: ReceivedRequest[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://loopback')
    const asked: ReceivedRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: await text(request),
    }
    seen.push(asked)
    const { status = 200, headers = {}, body = {}, isCut = false } = await answer(asked)
    const isBytes = body instanceof Uint8Array
    const sent = Buffer.from(isBytes || typeof body === 'string' ? body : JSON.stringify(body))
    const type = isBytes ? 'application/octet-stream' : typeof body === 'string' ? 'text/xml' : 'application/json'
    response.writeHead(status, { 'content-type': type, 'content-length': sent.length, ...headers })
    if (!isCut) return void response.end(sent)
    response.write(sent.subarray(0, Math.floor(sent.length / 2)), () => request.socket.destroy())
  }
  const server = createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The URL of a port on loopback without a listener. */
export async function closedPortUrl(): Promise<string> {
  const { url, close } = await listen(() => ({}))
  await close()
  return url
}

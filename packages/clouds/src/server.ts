import { createReadStream } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { ReceivedRequest, Reply } from '@cloudoptima/providers/testing/aws'

/** A reply, or a part of a file: `first` and `last` byte. */
export interface Answer extends Reply {
  file?: { path: string; first: number; last: number }
  /** The connection ends without it. */
  isLost?: boolean
}

export interface Server {
  url: string
  close(): Promise<void>
}

/** Starts a server on a free port of loopback. */
export async function serve(answer: (request: ReceivedRequest) => Promise<Answer>): Promise<Server> {
  const server = createServer((request, response) => {
    respond(request, response, answer).catch((error: unknown) => {
      // The client sees an answer of no service, and the reason in it.
      if (!response.headersSent) response.writeHead(501).end(String(error))
      else response.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

type Answerer = Parameters<typeof serve>[0]

async function respond(request: IncomingMessage, response: ServerResponse, answer: Answerer): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://loopback')
  const { method = '', headers } = request
  const reply = await answer({ method, path: pathname, query: searchParams, headers, body: await text(request) })
  if (reply.isLost) return void response.destroy()
  const { bytes, type, read } = contentOf(reply)
  response.writeHead(reply.status ?? 200, { 'content-type': type, 'content-length': bytes, ...reply.headers })
  if (method === 'HEAD') response.end()
  else await pipeline(read(reply.isCut ? Math.ceil(bytes / 2) : bytes), response, { end: !reply.isCut })
  if (reply.isCut) response.write('', () => response.destroy())
}

function contentOf({ file, body = {} }: Answer) {
  if (file) {
    const { path, first, last } = file
    const read = (length: number) => createReadStream(path, { start: first, end: first + length - 1 })
    return { bytes: last - first + 1, type: 'binary/octet-stream', read }
  }
  const isText = typeof body === 'string'
  const bytes = Buffer.from(isText || body instanceof Uint8Array ? body : JSON.stringify(body))
  const read = (length: number) => Readable.from([bytes.subarray(0, length)])
  return { bytes: bytes.length, type: isText ? 'text/xml' : 'application/json', read }
}

import { createServer, request, type IncomingMessage } from 'node:http'
import { request as requestByTls } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A server before an emulator, which answers for the APIs that the emulator lacks. */
export interface Front {
  url: string
  close(): Promise<void>
}

export interface Question {
  /** By signatures: `bcm-data-exports`. */
  service: string
  /** The operation, of the protocols that name it. */
  operation: string
  body: string
}

/** Changes what the emulator replies. */
export type Edit = (reply: string) => string

/** An error in place of the emulator's reply. */
export interface Refusal {
  status: number
  body: string
}

/** Starts the front; what `answer` leaves open goes to the emulator as it is. `ca` has the certificate of one with TLS. */
export async function frontOf(
  emulator: string,
  answer: (question: Question) => string | Edit | Refusal | undefined,
  ca?: Buffer,
): Promise<Front> {
  const target = new URL(emulator)
  const ask = target.protocol === 'https:' ? requestByTls : request
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const body = Buffer.concat(chunks)
      const own = answer(questionOf(incoming, body.toString()))
      if (typeof own === 'string') {
        outgoing.end(own)
        return
      }
      if (typeof own === 'object') {
        outgoing.writeHead(own.status).end(own.body)
        return
      }
      const { method, url, headers } = incoming
      const to = { host: target.hostname, port: target.port, servername: 'localhost', ca, method, path: url, headers }
      const forwarded = ask(to, (reply) => {
        const { 'content-length': _, ...others } = reply.headers
        outgoing.writeHead(reply.statusCode ?? 502, own ? others : reply.headers)
        if (!own) {
          reply.pipe(outgoing)
          return
        }
        const parts: Buffer[] = []
        reply.on('data', (part: Buffer) => parts.push(part))
        reply.on('end', () => outgoing.end(own(Buffer.concat(parts).toString())))
      })
      forwarded.on('error', () => outgoing.destroy())
      forwarded.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function questionOf({ headers }: IncomingMessage, body: string): Question {
  const [, service = ''] = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '') ?? []
  const target = headers['x-amz-target']
  const operation = typeof target === 'string' ? target.split('.').at(-1) : new URLSearchParams(body).get('Action')
  return { service, operation: operation ?? '', body }
}

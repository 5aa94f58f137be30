import type { Duplex } from 'node:stream'
import { STATUS_CODES } from 'node:http'
import { securityHeaders } from '@cloudoptima/api'

/** As long as a request may take to come, and as long as an answer may take (API Gateway gives 29 s). */
export const longestMs = 30_000

/** Answers 503 in place of an answer that takes longer. What was begun ends by itself, as in a Lambda that nobody waits for any more. */
export function within<Arguments extends unknown[], Answer>(
  ms: number,
  fetch: (...input: Arguments) => Answer | Promise<Answer>,
): (...input: Arguments) => Promise<Answer | Response> {
  return async (...input) =>
    await new Promise<Answer | Response>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          resolve(
            answerOf(503, 'The answer took longer than 30 s. Ask again in a moment, or for less at once.', {
              'Retry-After': '5',
            }),
          ),
        ms,
      )
      Promise.resolve(fetch(...input))
        .finally(() => clearTimeout(timer))
        .then(resolve, reject)
    })
}

/** A problem that is told before the API has heard of the request, or in its place. */
export function answerOf(status: number, detail: string, headers: Record<string, string> = {}): Response {
  return Response.json(problemOf(status, detail), {
    status,
    headers: { ...securityHeaders({ publicUrl: '' }), ...headers, 'Content-Type': 'application/problem+json' },
  })
}

function problemOf(status: number, detail: string): object {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail }
}

const refusals: Record<string, [status: number, detail: string]> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are larger than 16 KB.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not come within 30 s.'],
}

/** Has what is no HTTP answered like everything else, instead of by Node's bare line. */
export function refuseBroken(server: {
  on(event: 'clientError', listener: (error: NodeJS.ErrnoException, socket: Duplex) => void): unknown
}): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const [status, detail] = refusals[error.code ?? ''] ?? [400, 'This is no HTTP request.']
    const body = JSON.stringify(problemOf(status, detail))
    const headers = {
      ...securityHeaders({ publicUrl: '' }),
      'Content-Type': 'application/problem+json',
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`)
  })
}

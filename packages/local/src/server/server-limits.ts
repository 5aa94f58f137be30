import type { Duplex } from 'node:stream'
import { STATUS_CODES } from 'node:http'
import { securityHeaders } from '@cloudoptima/api'

/** For the request and for the answer. */
export const longestMs = 30_000

const late = 'The answer took longer than 30 s. Try again later, or request less data at once.'

/**
 * Answers 503 after a time, or up to a second later: one timer serves all requests. The handler continues, as a Lambda
 * function does behind API Gateway.
 */
export function within<Arguments extends unknown[], Answer>(
  ms: number,
  fetch: (...input: Arguments) => Answer | Promise<Answer>,
): (...input: Arguments) => Promise<Answer | Response> {
  const open = new Set<{ until: number; giveUp(): void }>()
  let sweeping: NodeJS.Timeout | undefined
  const sweep = () => {
    for (const waiting of open) {
      if (waiting.until > performance.now()) return
      open.delete(waiting)
      waiting.giveUp()
    }
    clearInterval(sweeping)
    sweeping = undefined
  }
  return async (...input) =>
    await new Promise<Answer | Response>((resolve, reject) => {
      const giveUp = () => resolve(answerOf(503, late, { 'Retry-After': '5' }))
      const waiting = { until: performance.now() + ms, giveUp }
      open.add(waiting)
      sweeping ??= setInterval(sweep, Math.min(ms, 1000)).unref()
      const answer = Promise.resolve(fetch(...input))
      const close = () => open.delete(waiting)
      void answer.then(close, close)
      answer.then(resolve, reject)
    })
}

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
  HPE_HEADER_OVERFLOW: [431, 'The request headers are larger than 16 KB.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request was not received within 30 s.'],
}

/** Answers broken HTTP with a problem, instead of Node's bare status line. */
export function refuseBroken(server: {
  on(event: 'clientError', listener: (error: NodeJS.ErrnoException, socket: Duplex) => void): unknown
}): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const [status, detail] = refusals[error.code ?? ''] ?? [400, 'This is not an HTTP request.']
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

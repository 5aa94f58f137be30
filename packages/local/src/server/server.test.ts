import { connect } from 'node:net'
import { type IncomingHttpHeaders, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { listen, type Server } from './server.ts'
import { within } from './server-limits.ts'

let server: Server
beforeAll(async () => {
  server = await listen(() => new Response('served'), { port: 0, orFreePort: true })
})
afterAll(async () => await server.close())

interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** Sends a request with this Host header, as a browser does for that name. `fetch` does not allow setting Host. */
function ask(host: string, at = server): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(at.url, { headers: { host } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      )
    })
    call.on('error', reject)
    call.end()
  })
}

describe('a request with the Host', () => {
  test.each(['127.0.0.1', '127.0.0.1:4000', 'localhost', 'LOCALHOST:4000', '[::1]', '[::1]:4000'])(
    '%s is answered',
    async (host) => {
      expect(await ask(host)).toMatchObject({ status: 200, body: 'served' })
    },
  )

  test.each([
    'evil.example',
    'evil.example:4000',
    'localhost.evil.example',
    '127.0.0.1.evil.example:4000',
    '192.168.1.7:4000',
  ])('%s is refused', async (host) => {
    const answer = await ask(host)
    expect(answer).toMatchObject({
      status: 421,
      headers: { 'content-type': 'application/problem+json', 'x-content-type-options': 'nosniff' },
    })
    expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(JSON.parse(answer.body)).toMatchObject({ status: 421, title: 'Misdirected Request' })
  })
})

test.each(['127.0.0.2', '::ffff:127.0.0.1', '127.1', 'localhost'])(
  'a server on %s answers at its own URL and refuses other names',
  async (host) => {
    const chosen = await listen(() => new Response('served'), { port: 0, orFreePort: true, host })
    onTestFinished(async () => await chosen.close())
    expect((await fetch(chosen.url)).status).toBe(200)
    expect((await ask(new URL(chosen.url).host, chosen)).status).toBe(200)
    expect((await ask('evil.example', chosen)).status).toBe(421)
    expect((await ask('127.0.0.3', chosen)).status).toBe(421)
  },
)

test('the Host of a proxy may have its port or not', async () => {
  const behind = await listen(() => new Response('served'), {
    port: 0,
    orFreePort: true,
    publicUrl: 'https://costs.example.com',
  })
  onTestFinished(async () => await behind.close())
  for (const host of ['costs.example.com', 'Costs.example.com:443', '127.0.0.1'])
    expect((await ask(host, behind)).status).toBe(200)
  expect(await ask('other.example.com', behind)).toMatchObject({
    status: 421,
    body: expect.stringContaining('costs.example.com') as unknown,
  })
})

test.each(['', 'fe80::1', '300.1.1.1', '203.0.113.9'])(
  'listening on %j is refused, because it is not an address of this machine',
  async (host) => {
    await expect(listen(() => new Response('served'), { port: 0, orFreePort: true, host })).rejects.toMatchObject({
      code: 'invalid',
    })
  },
)

describe('a broken request', () => {
  const answerTo = async (text: string): Promise<string> => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.end(text)
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    return answer
  }

  test.each([
    ['headers of more than 16 KB', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['garbage', 'HELO\r\n\r\n', 400],
  ])('%s: the answer is a problem with all security headers', async (_, text, status) => {
    const answer = await answerTo(text)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toContain('Content-Type: application/problem+json')
    expect(answer).toContain('X-Content-Type-Options: nosniff')
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toMatchObject({ status })
  })
})

test('an answer that takes too long is 503', async () => {
  const response = await within(20, async () => await new Promise<Response>(() => undefined))()
  expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '5'])
  expect(await within(20_000, () => 'in time')()).toBe('in time')
  const timely = within(50, async (ms: number) => await new Promise((done) => setTimeout(done, ms, ms)))
  const answers = await Promise.all([timely(1), timely(400), timely(2)])
  expect(answers.map((answer) => (answer instanceof Response ? answer.status : answer))).toEqual([1, 503, 2])
  await expect(within(50, async () => await Promise.reject(new Error('broken')))()).rejects.toThrow('broken')
})

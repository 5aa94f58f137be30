import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { createGuardedFetch, type GuardOptions, isPublic } from './guarded-fetch.ts'

const invalid = { name: 'Fault', code: 'invalid' }
const unavailable = { name: 'Fault', code: 'unavailable' }

/** A server on this machine that counts its requests. */
async function server(answer: RequestListener) {
  let requests = 0
  const listening = createServer((request, response) => {
    requests++
    answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  onTestFinished(() => {
    listening.closeAllConnections()
    listening.close()
  })
  const { port } = listening.address() as AddressInfo
  return { port, url: `http://127.0.0.1:${port}`, requests: () => requests }
}

/** A DNS lookup whose n-th call returns the n-th list; the last list repeats. */
function names(...rounds: string[][]): NonNullable<GuardOptions['lookup']> {
  let round = 0
  const of = (address: string): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })
  return (_, __, done) => done(null, (rounds[Math.min(round++, rounds.length - 1)] ?? []).map(of))
}

test('isPublic tells public addresses from reserved ones', () => {
  const inside = `0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 169.254.169.254 169.254.170.2
    172.16.0.1 172.31.255.255 192.0.0.192 192.168.1.1 198.18.0.1 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:a00:1 ::127.0.0.1 64:ff9b::a9fe:a9fe 100::1
    2001::1 2001:db8::1 2002:7f00:1::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 not-an-address`.split(/\s+/)
  expect(inside.filter(isPublic)).toStrictEqual([])
  const outside =
    '1.1.1.1 8.8.8.8 52.94.236.248 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 223.255.255.255 2001:4860:4860::8888 2606:4700::1111 2a00::1'.split(
      ' ',
    )
  expect(outside.filter((address) => !isPublic(address))).toStrictEqual([])
})

test.each([
  'https://127.0.0.1/',
  'https://0x7f.1/',
  'https://2130706433/',
  'https://0/',
  'https://[::1]/',
  'https://[::ffff:7f00:1]/',
  'https://169.254.169.254/latest/meta-data/',
  'https://[fd00:ec2::254]/',
  'https://10.0.0.1:8443/',
  'http://example.com/',
  'http://8.8.8.8/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'data:text/plain,x',
  'https://user:secret@example.com/',
  '/relative',
  'https://',
])('refuses %s', async (url) => {
  await expect(createGuardedFetch({ lookup: names(['8.8.8.8']) })(url)).rejects.toMatchObject(invalid)
})

test('checks every address of a name, and the address of the connection (DNS rebinding)', async () => {
  for (const addresses of [
    ['127.0.0.1'],
    ['::1'],
    ['8.8.8.8', '10.0.0.1'],
    ['::ffff:127.0.0.1'],
    ['169.254.169.254'],
  ]) {
    await expect(createGuardedFetch({ lookup: names(addresses) })('https://example.com/')).rejects.toMatchObject(
      invalid,
    )
  }
  const { port, requests } = await server((_, response) => response.end('secret'))
  let lookups = 0
  const rebinding: NonNullable<GuardOptions['lookup']> = (_, __, done) =>
    done(null, [{ address: lookups++ === 0 ? '127.0.0.1' : '8.8.8.8', family: 4 }])
  await expect(createGuardedFetch({ lookup: rebinding })(`https://rebind.example:${port}/`)).rejects.toMatchObject(
    invalid,
  )
  expect([lookups, requests()]).toStrictEqual([1, 0])
})

test('a name without an address is unavailable', async () => {
  await expect(createGuardedFetch({ lookup: names([]) })('https://nowhere.example/')).rejects.toMatchObject(unavailable)
})

test('allowLoopback allows loopback without TLS, and no other address', async () => {
  const { url, port } = await server((request, response) =>
    response.setHeader('x-method', request.method ?? '').end('{"a":1}'),
  )
  const local = createGuardedFetch({ allowLoopback: true })
  const answer = await local(url, { method: 'POST', body: new URLSearchParams({ a: '1' }) })
  expect([answer.status, answer.headers.get('x-method'), await answer.json()]).toStrictEqual([200, 'POST', { a: 1 }])
  expect(
    (await createGuardedFetch({ allowLoopback: true, lookup: names(['127.0.0.1']) })(`http://localhost:${port}/`))
      .status,
  ).toBe(200)
  await expect(local('http://example.com/')).rejects.toMatchObject(invalid)
  await expect(local('https://10.0.0.1/')).rejects.toMatchObject(invalid)
  await expect(local('http://169.254.169.254/')).rejects.toMatchObject(invalid)
})

test('a redirect is not followed', async () => {
  const target = await server((_, response) => response.end('secret'))
  const { url } = await server((_, response) => response.writeHead(302, { location: target.url }).end())
  await expect(createGuardedFetch({ allowLoopback: true })(url)).rejects.toMatchObject(unavailable)
  expect(target.requests()).toBe(0)
})

test('an answer over the size limit is unavailable, compressed or not', async () => {
  const long = Buffer.alloc(200_000)
  const plain = await server((_, response) => response.end(long))
  const packed = await server((_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(long)))
  const limited = createGuardedFetch({ allowLoopback: true, maxBytes: 100_000 })
  await expect(limited(plain.url)).rejects.toMatchObject(unavailable)
  await expect(limited(packed.url)).rejects.toMatchObject(unavailable)
  expect((await (await createGuardedFetch({ allowLoopback: true })(packed.url)).arrayBuffer()).byteLength).toBe(200_000)
})

test('a server that does not answer, or stops in the middle, is unavailable after the timeout', async () => {
  const silent = await server(() => undefined)
  const slow = await server((_, response) => void response.writeHead(200).write('half'))
  const impatient = createGuardedFetch({ allowLoopback: true, timeoutMs: 100 })
  await expect(impatient(silent.url)).rejects.toMatchObject(unavailable)
  await expect(impatient(slow.url)).rejects.toMatchObject(unavailable)
  await expect(impatient('http://127.0.0.1:1/')).rejects.toMatchObject(unavailable)
})

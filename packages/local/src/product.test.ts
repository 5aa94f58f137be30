import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chmod, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ExchangeRate, noOrganization } from '@cloudoptima/core'
import { KeySet } from '@cloudoptima/runtime'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startProduct } from './product.ts'
import { readSigningKeys } from './keys/signing-keys.ts'

const day = 24 * 3600 * 1000

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-product-'))
})
afterEach(async () => await rm(dataDir, { recursive: true, force: true }))

test('a new data folder is private, and an existing one becomes it', async () => {
  const [made, given] = [join(dataDir, 'made'), join(dataDir, 'given')]
  await mkdir(given)
  await chmod(given, 0o755)
  for (const folder of [made, given]) await (await startProduct({ dataDir: folder })).close()
  for (const folder of [made, given]) expect((await stat(folder)).mode & 0o777).toBe(0o700)
})

test.each([
  { host: undefined, asked: 1 },
  { host: '127.0.0.1', asked: 1 },
  { host: '0.0.0.0', asked: 0 },
])('listening on $host, it sends $asked requests to an OpenID provider on loopback', async ({ host, asked }) => {
  let requests = 0
  const other = createServer((_, response) => {
    requests++
    response.writeHead(404).end()
  })
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
  const product = await startProduct({ dataDir, port: 0, host })
  const issuer = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  await expect(
    product.services.runtime.openId.begin({ issuer, clientId: 'c' }, 'http://127.0.0.1/'),
  ).rejects.toMatchObject({ code: 'invalid' })
  expect(requests).toBe(asked)
  await product.close()
  await new Promise((done) => other.close(done))
})

test('daily and 30-day chores run during a long run, not only at the start', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], shouldAdvanceTime: true })
  const product = await startProduct({ dataDir })
  const sweeps = vi.spyOn(product.services.runtime.tables.sweeps, 'remove')
  const keys = join(dataDir, 'keys')
  const first = await readSigningKeys(keys)
  vi.setSystemTime(Date.now() + 31 * day)
  await vi.advanceTimersByTimeAsync(day)
  await vi.waitFor(async () =>
    expect(KeySet.current(await readSigningKeys(keys)).kid).not.toBe(KeySet.current(first).kid),
  )
  await vi.waitFor(() => expect(sweeps).toHaveBeenCalledOnce())
  vi.useRealTimers()
  await product.close()
})

test('exchange rates are fetched once the work begins, from the given address, and kept; without one, nothing is asked', async () => {
  const today = new Date().toISOString().slice(0, 10)
  const asked: string[] = []
  const ecb = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end(
      `<?xml version="1.0"?><gesmes:Envelope xmlns="x"><gesmes:subject>Reference rates</gesmes:subject><gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender><Cube><Cube time="${today}"><Cube currency="USD" rate="1.25"/></Cube></Cube></gesmes:Envelope>`,
    )
  })
  await new Promise<void>((done) => ecb.listen(0, '127.0.0.1', done))
  const exchangeRatesUrl = `http://127.0.0.1:${(ecb.address() as AddressInfo).port}/`
  const first = await startProduct({ dataDir, exchangeRatesUrl, holdsWork: true })
  expect(asked).toEqual([])
  for (let twice = 0; twice < 2; twice++) first.work()
  await vi.waitFor(async () => expect((await ExchangeRate.held(first.ctx)).lastDay).toBe(today), { timeout: 10_000 })
  await first.close()
  expect(asked).toHaveLength(1)
  const again = await startProduct({ dataDir })
  const { rates } = await ExchangeRate.get(again.ctx, { date: today })
  expect(rates).toEqual([{ currency: 'USD', rate: 1.25, rateExact: '1.25' }])
  await again.close()
  await new Promise((done) => ecb.close(done))
  expect(asked).toHaveLength(1)
})

test('a failing sweep of one organization does not prevent the start', async () => {
  const first = await startProduct({ dataDir })
  await first.services.runtime.tables.organizationIndex.put(noOrganization, { id: 'org_broken' })
  await first.services.runtime.tables.organizations.put('org_broken', { id: 'org_broken', version: 1 } as never)
  await first.close()
  await (await startProduct({ dataDir })).close()
  expect(await readFile(join(dataDir, 'log', 'cloudoptima.log'), 'utf8')).toContain(
    'an organization could not be swept',
  )
})

test('the log has errors at once, and all other lines soon and at the end', async () => {
  const product = await startProduct({ dataDir })
  const { log } = product.ctx
  const text = async () => await readFile(join(dataDir, 'log', 'cloudoptima.log'), 'utf8')
  log.info('first line')
  await vi.waitFor(async () => expect(await text()).toContain('first line'))
  log.info('second line')
  log.error('third line')
  await vi.waitFor(async () => expect(await text()).toMatch(/second line.*\n.*third line/), { timeout: 90 })
  log.info('last line')
  await product.close()
  expect(await text()).toContain('last line')
})

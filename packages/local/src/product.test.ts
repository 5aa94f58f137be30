import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startProduct } from './product.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cloudoptima-product-'))
})
afterEach(async () => await rm(dataDir, { recursive: true, force: true }))

test('a data folder that is made is closed to other users of the machine, with the mails, hashes and bills in it; one that was there is left as it is', async () => {
  const [made, given] = [join(dataDir, 'made'), join(dataDir, 'given')]
  await mkdir(given)
  await chmod(given, 0o755)
  for (const folder of [made, given]) await (await startProduct({ dataDir: folder })).close()
  expect((await stat(made)).mode & 0o077).toBe(0)
  expect((await stat(given)).mode & 0o777).toBe(0o755)
})

test.each([
  { host: undefined, asked: 1 },
  { host: '127.0.0.1', asked: 1 },
  { host: '0.0.0.0', asked: 0 },
])('who listens on $host asks a provider on this machine itself $asked times', async ({ host, asked }) => {
  let requests = 0
  const other = createServer((_, response) => {
    requests++
    response.writeHead(404).end()
  })
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
  const product = await startProduct({ dataDir, port: 0, host })
  const issuer = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  await expect(product.services.runtime.openId.begin({ issuer, clientId: 'c' }, 'http://127.0.0.1/')).rejects.toMatchObject({ code: 'invalid' })
  expect(requests).toBe(asked)
  await product.close()
  await new Promise((done) => other.close(done))
})

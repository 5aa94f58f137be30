import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { createBlobs } from './blobs.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

/** A fake S3 that starts multipart uploads, and refuses each part after the first. */
async function refusingS3() {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://s3')
    const part = url.searchParams.get('partNumber')
    asked.push(`${request.method} ${part === null ? [...url.searchParams.keys()].join() : `part ${part}`}`)
    void buffer(request).then(() => {
      if (part === '1') return response.writeHead(200, { etag: '"1"' }).end()
      if (part !== null) return response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>')
      if (request.method === 'DELETE') return response.writeHead(204).end()
      return response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

test('a failed multipart upload is aborted, so that S3 stores no parts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-'))
  onTestFinished(async () => await rm(folder, { recursive: true }))
  await writeFile(join(folder, 'f'), Buffer.alloc(17 * 1024 * 1024))
  const { endpoint, asked } = await refusingS3()
  const blobs = createBlobs({ region: 'us-east-1', credentials, endpoint }, 'bucket')
  await expect(blobs.putFile('org', 'f', join(folder, 'f'))).rejects.toMatchObject({ name: 'AccessDenied' })
  expect(asked).toContain('PUT part 2')
  expect(asked.at(-1)).toBe('DELETE uploadId,x-id')
  expect(asked.filter((each) => each.startsWith('POST'))).toStrictEqual(['POST uploads'])
})

test('a missing file is not uploaded as an empty object', async () => {
  const { endpoint, asked } = await refusingS3()
  const blobs = createBlobs({ region: 'us-east-1', credentials, endpoint }, 'bucket')
  await expect(blobs.putFile('org', 'f', join(tmpdir(), 'cloudoptima-none'))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(asked).toStrictEqual([])
})

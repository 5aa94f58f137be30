import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createAnchors } from './anchors.ts'

const hash = (digit: string) => digit.repeat(64)
const at = '2026-11-23T08:00:00.000Z'

/** A fake S3 that lists one version at a time. */
async function bucketOf(keys: string[]) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams: of } = new URL(request.url ?? '', 'http://s3')
    asked.push(request.method === 'PUT' ? `PUT ${pathname}` : `list ${of.get('prefix')}`)
    if (request.method === 'PUT') {
      keys.push(pathname.replace('/bucket/', ''))
      return response.end()
    }
    const found = keys.filter((key) => key.startsWith(of.get('prefix') ?? '') && key > (of.get('key-marker') ?? ''))
    const [key] = found.toSorted()
    const version = `<Version><Key>${key}</Key><VersionId>1</VersionId><LastModified>${at}</LastModified></Version>`
    const more = `<IsTruncated>${found.length > 1}</IsTruncated><NextKeyMarker>${key}</NextKeyMarker>`
    return response.end(`<ListVersionsResult>${more}${key === undefined ? '' : version}</ListVersionsResult>`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  return { anchors: createAnchors({ region: 'us-east-1', credentials, endpoint }, 'bucket'), asked }
}

test('anchors are keys of the bucket: written once, and listed by number over several pages', async () => {
  const { anchors, asked } = await bucketOf([`org_b/000000000001-${hash('d')}`, 'org_a/something-else'])
  for (const sequence of [10, 9, 9]) await anchors.put('org_a', { sequence, hash: hash('a') })
  expect(asked.filter((line) => line.startsWith('PUT'))).toEqual([
    `PUT /bucket/org_a/000000000010-${hash('a')}`,
    `PUT /bucket/org_a/000000000009-${hash('a')}`,
  ])
  expect(await Array.fromAsync(await anchors.list('org_a'))).toEqual([
    { sequence: 9, hash: hash('a'), at },
    { sequence: 10, hash: hash('a'), at },
  ])
})

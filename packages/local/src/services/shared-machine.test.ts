import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Import } from '@cloudoptima/core'
import { generateSample } from '@cloudoptima/sample'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { orgId } from '../organization.ts'
import { startProduct } from '../product.ts'
import { readRunning } from '../process/running.ts'
import { dataFolder } from './testing/services.ts'

const nobody = 65_534
const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('Tests with a second user are skipped: only root can start a process of another user.')

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-shared-'))
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

/** All paths below a folder with their modes. */
async function modes(root: string): Promise<[path: string, mode: number][]> {
  const names = ['', ...(await readdir(root, { recursive: true }))]
  return await Promise.all(
    names.map(async (name): Promise<[string, number]> => [name, (await stat(join(root, name))).mode & 0o777]),
  )
}

/** Runs a script as another user and returns its output. */
function asNobody(script: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', ...args], { uid: nobody, gid: nobody, cwd: '/' })
  return `${stdout.toString()}${stderr.toString()}`
}

test('everything in a data folder belongs to this user alone, though the umask allows more', async () => {
  const before = process.umask(0)
  const data = join(folder, 'data')
  const product = await startProduct({ dataDir: data, port: 0 })
  try {
    await product.services.runtime.blobs.put('org', 'bill', Buffer.from('bytes'))
    await product.ctx.runtime.workspace.within(async (work) => {
      await writeFile(join(work, 'bill'), 'bytes')
      expect((await modes(data)).filter(([, mode]) => (mode & 0o077) !== 0)).toEqual([])
      expect(work.startsWith(join(data, 'work'))).toBe(true)
    })
    expect(await readdir(join(data, 'work'))).toEqual([])
  } finally {
    await product.close()
    process.umask(before)
  }
})

test('a start tightens a folder of an earlier version, and removes the work of a killed process', async () => {
  const data = join(folder, 'data')
  await mkdir(join(data, 's3', 'buckets'), { recursive: true })
  await mkdir(join(data, 'work', 'left'), { recursive: true })
  await writeFile(join(data, 's3', 'bill'), 'bytes')
  for (const name of ['', 's3', 's3/buckets', 's3/bill', 'work', 'work/left']) await chmod(join(data, name), 0o777)
  const product = await startProduct({ dataDir: data })
  try {
    expect((await modes(data)).filter(([, mode]) => (mode & 0o077) !== 0)).toEqual([])
    expect(await readdir(join(data, 'work'))).toEqual([])
  } finally {
    await product.close()
  }
})

test.skipIf(!isRoot)('a folder of another user is refused', async () => {
  await chown(folder, nobody, nobody)
  await expect(startProduct({ dataDir: folder })).rejects.toMatchObject({
    code: 'invalid',
    message: `${folder} belongs to another user. Choose another folder with --data.`,
  })
})

test.skipIf(!isRoot).for([
  ['a link to a folder of that user', 's3', 'ln -s "$2" "$1/s3"'],
  ['a description of a running process', 'running.json', 'echo "{}" > "$1/running.json"'],
  ['a folder within a folder', 'cache/org', 'mkdir "$1/cache/org"'],
])('a folder into which another user put %s is refused', async ([, name = '', script = '']) => {
  const data = join(folder, 'data')
  await mkdir(join(data, 'cache'), { recursive: true })
  for (const path of [folder, data, join(data, 'cache')]) await chmod(path, 0o777)
  expect(asNobody(script, data, folder)).toBe('')
  await expect(startProduct({ dataDir: data })).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining(`${join(data, name)} belongs to another user`),
  })
})

test.skipIf(!isRoot)(
  'while an import runs, another user finds nothing to read or to write, wherever the product writes',
  async () => {
    const temporary = join(folder, 'tmp')
    await mkdir(temporary)
    await chmod(temporary, 0o1777)
    await chmod(folder, 0o755)
    const { files } = await generateSample({ dir: join(folder, 'bill'), today: '2026-11-01', months: 1, rows: 30_000 })
    const [bill] = files
    if (!bill) return expect.fail()
    await chmod(join(folder, 'bill'), 0o700)
    const data = join(folder, 'data')
    await mkdir(data)
    await chmod(data, 0o777)
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = temporary
    const product = await startProduct({ dataDir: data, port: 0, orgId })
    try {
      const { ctx } = product
      const { id } = await Import.create(ctx, { files: [{ name: 'bill.csv', bytes: bill.bytes }], replace: false })
      await Import.storeFile(ctx, id, 0, bill.path)
      await Import.start(ctx, id)
      const open = () =>
        asNobody('find "$1" "$2" \\( -readable -o -writable \\) ! -path "$2" 2>/dev/null', data, temporary)
      await writeFile(join(temporary, 'open'), '', { mode: 0o644 })
      await chmod(join(temporary, 'open'), 0o644)
      expect(open()).toBe(`${join(temporary, 'open')}\n`)
      await rm(join(temporary, 'open'))
      let sawWork = false
      for (let isOver = false; !isOver;) {
        sawWork ||= (await readdir(join(data, 'work'))).length > 0
        expect(open()).toBe('')
        isOver = (await Import.get(ctx, id)).status !== 'running'
      }
      expect(sawWork).toBe(true)
      expect((await Import.get(ctx, id)).status).toBe('committed')
      expect(asNobody('cat "$1"/lock "$1"/running.json', data)).toMatch(/denied/)
    } finally {
      await product.close()
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    }
  },
  60_000,
)

describe('the embedded servers', () => {
  test('refuse a request without the secret of the data folder', async () => {
    const own = await dataFolder()
    try {
      const { endpoints, runtime, connection } = await own.boot()
      await runtime.blobs.put('org', 'a b/ü?+%.csv', Buffer.from('bytes'))
      const dynamodb = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.ListTables' }
      const claims =
        'AWS4-HMAC-SHA256 Credential=local/20261128/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00'
      const control = (await readRunning(own.dataDir))?.control.url ?? ''
      for (const authorization of ['', 'Bearer wrong', claims]) {
        const headers = { ...(authorization && { authorization }) }
        const asked = [
          fetch(`${endpoints.s3}/cloudoptima?list-type=2`, { headers }),
          fetch(`${endpoints.sqs}/_fauxqs/queues`, { headers }),
          fetch(endpoints.dynamodb, { method: 'POST', headers: { ...dynamodb, ...headers }, body: '{}' }),
        ]
        expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([403, 403, 403])
        expect((await fetch(`${control}/health`, { headers })).status).toBe(401)
      }
      const authorization = `Bearer ${connection.credentials.secretAccessKey}`
      const listed = await fetch(`${endpoints.s3}/cloudoptima?list-type=2`, { headers: { authorization } })
      expect([listed.status, (await listed.text()).includes('.csv')]).toEqual([200, true])
    } finally {
      await own.end()
    }
  })

  test('take a signed URL for its own request, until it expires', async () => {
    const own = await dataFolder()
    try {
      const { runtime } = await own.boot()
      await runtime.blobs.put('org', 'a b/ü?+%.csv', Buffer.from('bytes'))
      await runtime.blobs.put('org', 'other.csv', Buffer.from('secret'))
      const signed = await runtime.blobs.downloadUrl('org', 'a b/ü?+%.csv', 60)
      expect(await (await fetch(signed)).text()).toBe('bytes')
      const changed = [
        signed.replace(/org\/[^?]+/, 'org/other.csv'),
        signed.replace('Expires=60', 'Expires=6000'),
        `${signed}&list-type=2`,
        signed.replace(/Signature=..../, 'Signature=0000'),
      ]
      for (const url of changed) expect([url === signed, (await fetch(url)).status]).toEqual([false, 403])
      expect((await fetch(signed, { method: 'DELETE' })).status).toBe(403)
      expect((await fetch(await runtime.blobs.downloadUrl('org', 'other.csv', 1))).status).toBe(200)
      const short = await runtime.blobs.downloadUrl('org', 'other.csv', 1)
      await new Promise((wake) => setTimeout(wake, 2100))
      expect((await fetch(short)).status).toBe(403)
      const upload = await runtime.blobs.uploadUrl('org', 'up.csv', 60, 3)
      const headers = { 'x-amz-copy-source': '/cloudoptima/other/bill.csv' }
      await runtime.blobs.put('other', 'bill.csv', Buffer.from('abc'))
      expect((await fetch(upload, { method: 'PUT', headers, body: 'abc' })).status).toBe(403)
      expect((await fetch(upload, { method: 'PUT', body: 'abcd' })).status).toBe(403)
      expect(await runtime.blobs.list('org', 'up.csv')).toEqual([])
      expect((await fetch(upload, { method: 'PUT', body: 'abc' })).status).toBe(200)
      expect(Buffer.from(await runtime.blobs.get('org', 'up.csv')).toString()).toBe('abc')
    } finally {
      await own.end()
    }
  })
})

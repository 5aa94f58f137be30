import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Import, Snapshot } from '@cloudoptima/core'
import { generateSample } from '@cloudoptima/sample'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { orgId } from '../organization.ts'
import { startProduct } from '../product.ts'
import { isolatedNormalizer } from './isolated.ts'

let folder: string
let files: { name: string; path: string; bytes: number }[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudoptima-isolated-'))
  const sample = await generateSample({
    dir: join(folder, 'bill'),
    today: '2026-11-01',
    months: 1,
    rows: 3000,
    singleFile: true,
  })
  files = sample.files.map(({ path, bytes }) => ({ name: 'bill.csv', path, bytes }))
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

/** The processes that this one started to read bills. */
function normalizers(): number[] {
  try {
    const found = execFileSync('pgrep', ['-P', String(process.pid), '-f', 'normalizer.ts'], { encoding: 'utf8' })
    return found.trim().split('\n').map(Number)
  } catch {
    // pgrep ends with 1 where it finds none.
    return []
  }
}

describe('a process that normalizes bills', () => {
  const open = () => {
    const { prepare, normalize, close } = isolatedNormalizer('500MB')
    let n = 0
    const options = (given: object = {}) => ({ workDir: join(folder, String(++n)), snapshotId: `imp_${n}`, ...given })
    return { prepare, normalize, close, options }
  }

  test('returns the result and the progress, and serves the next bill too', async () => {
    const { normalize, close, options } = open()
    const phases: string[] = []
    const onProgress = ({ phase }: { phase: string }) => void phases.push(phase)
    const first = await normalize(files, options({ onProgress }))
    expect(first).toMatchObject({ files: [{ name: 'bill.csv', format: 'focus-1.2' }] })
    expect(new Set(phases)).toEqual(new Set(['normalize']))
    const before = normalizers()
    expect(before).toHaveLength(1)
    expect((await normalize(files, options())).partitions).toHaveLength(first.partitions.length)
    expect(normalizers()).toEqual(before)
    await close()
    expect(normalizers()).toEqual([])
  })

  test('is started once ahead of the first bill', async () => {
    const { prepare, normalize, close, options } = open()
    prepare()
    prepare()
    await vi.waitFor(() => expect(normalizers()).toHaveLength(1))
    const before = normalizers()
    await normalize(files, options())
    expect(normalizers()).toEqual(before)
    await close()
    expect(normalizers()).toEqual([])
  })

  test('passes on the fault of a bill with its complaints', async () => {
    const { normalize, close, options } = open()
    const path = join(folder, 'stranger.csv')
    await writeFile(path, 'a,b\n1,2\n')
    const refused = normalize([{ name: 'stranger.csv', path }], options())
    await expect(refused).rejects.toMatchObject({ name: 'Fault', code: 'invalid' })
    await expect(refused).rejects.toThrow('stranger.csv')
    await close()
  })

  test('ends with an abort', async () => {
    const { normalize, close, options } = open()
    const over = new AbortController()
    const ended = normalize(files, options({ signal: over.signal }))
    over.abort(new Error('canceled'))
    await expect(ended).rejects.toThrow('canceled')
    await vi.waitFor(() => expect(normalizers()).toEqual([]))
    await close()
  })
})

test('a bill that ends its process twice fails with the reason; the product goes on, and does not resume it', async () => {
  const data = join(folder, 'data')
  const bring = async ({ ctx }: Awaited<ReturnType<typeof startProduct>>) => {
    const [file] = files
    const { id } = await Import.create(ctx, { files: [{ name: 'bill.csv', bytes: file?.bytes ?? 0 }] })
    await Import.storeFile(ctx, id, 0, file?.path ?? '')
    await Import.start(ctx, id)
    return id
  }
  const product = await startProduct({ dataDir: data, orgId })
  const { ctx } = product
  const id = await bring(product)
  const killed = new Set<number>()
  while ((await Import.get(ctx, id)).status === 'running') {
    for (const pid of normalizers().filter((pid) => !killed.has(pid))) {
      process.kill(pid, 'SIGKILL')
      killed.add(pid)
    }
    await sleep(5)
  }
  // Two attempts, of which each may also lose the process that was started ahead.
  expect([2, 3, 4]).toContain(killed.size)
  const { status, reason } = await Import.get(ctx, id)
  expect([status, reason]).toEqual(['failed', expect.stringContaining('was ended twice')])
  expect((await Snapshot.view(ctx)).snapshots).toEqual([])
  const next = await bring(product)
  await product.services.whenEnded('bills', next)
  expect((await Import.get(ctx, next)).status).toBe('committed')
  await product.close()
  const again = await startProduct({ dataDir: data, orgId })
  expect(again.interrupted).toEqual([])
  expect((await Import.get(again.ctx, id)).status).toBe('failed')
  await again.close()
})

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createAnchors } from './anchors.ts'

const hash = (digit: string) => digit.repeat(64)

test('anchors are private files that a restart finds again, by number and apart for each organization', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudoptima-'))
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }))
  const at = join(folder, 'anchors')
  for (const sequence of [10, 9, 9]) await createAnchors(at).put('org_a', { sequence, hash: hash('a') })
  await createAnchors(at).put('org_a', { sequence: 9, hash: hash('b') })
  await createAnchors(at).put('org_b', { sequence: 1, hash: hash('c') })
  const found = await Array.fromAsync(await createAnchors(at).list('org_a'))
  expect(found).toMatchObject([
    { sequence: 9, hash: hash('a') },
    { sequence: 9, hash: hash('b') },
    { sequence: 10, hash: hash('a') },
  ])
  expect(await Array.fromAsync(await createAnchors(at).list('org_c'))).toEqual([])
  for (const name of await readdir(join(at, 'org_a'))) {
    expect(name).toMatch(/^\d{12}-[0-9a-f]{64}$/)
    expect((await stat(join(at, 'org_a', name))).mode & 0o777).toBe(0o600)
  }
  await expect(createAnchors(at).put('..', { sequence: 1, hash: hash('a') })).rejects.toThrow('no key')
})

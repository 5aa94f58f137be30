import type { Taggable, TagChange } from '@cloudoptima/core'
import { afterEach, expect, test } from 'vitest'
import type { ReceivedRequest, Reply } from '../../testing/loopback.ts'
import { collectFrom, denial, projectId } from '../collect/testing.ts'

const place = `//compute.googleapis.com/projects/${projectId}/zones/europe-west1-b`
const disk: Taggable = {
  id: `${place}/disk/42`,
  aliases: [`${place}/disks/data`],
  kind: 'volume',
  region: 'europe-west1',
}
const change: TagChange = { resource: disk, before: { old: '1' }, set: { team: 'shop' }, remove: { old: '1' } }

const open: { close(): Promise<void> }[] = []
afterEach(async () => void (await Promise.all(open.splice(0).map(async (one) => await one.close()))))

/** A disk with labels whose fingerprint is their JSON; `answer` may answer first. */
async function diskWith(labels: Record<string, string>, answer: (request: ReceivedRequest) => Reply | undefined) {
  const held = { labels }
  const asked: string[] = []
  const world = await collectFrom((request) => {
    const { path, body } = request
    if (!path.startsWith('/compute/')) return undefined
    asked.push(path.split('/').slice(-2).join('/'))
    const given = answer(request)
    if (given) return given
    if (path.endsWith('/disks/data'))
      return { body: { labels: held.labels, labelFingerprint: JSON.stringify(held.labels) } }
    if (path.endsWith('/wait')) return { body: { name: 'op-1', status: 'DONE' } }
    const { labels: wanted, labelFingerprint } = JSON.parse(body) as { labels: object; labelFingerprint: string }
    if (labelFingerprint !== JSON.stringify(held.labels)) return denial(412, 'conditionNotMet')
    held.labels = { ...(wanted as Record<string, string>) }
    return { body: { name: 'op-1', status: 'RUNNING' } }
  })
  open.push(world.google)
  return { ...world, held, asked }
}

const isSetting = ({ path }: ReceivedRequest) => path.endsWith('/setLabels')

test('a conflict of the fingerprint reads the labels again once, and keeps what somebody else has added', async () => {
  let conflicts = 1
  const world = await diskWith({ old: '1' }, (request) => {
    if (!isSetting(request) || conflicts-- <= 0) return undefined
    world.held.labels = { old: '1', theirs: '2' }
    return denial(412, 'conditionNotMet')
  })
  expect(await world.gcp.retag(world.access, [change])).toEqual([{ id: disk.id }])
  expect(world.held.labels).toEqual({ theirs: '2', team: 'shop' })
  expect(world.asked).toEqual(['disks/data', 'data/setLabels', 'disks/data', 'data/setLabels', 'op-1/wait'])
})

test('a second conflict is a refusal, and nothing is changed', async () => {
  const world = await diskWith({ old: '1' }, (request) =>
    isSetting(request) ? denial(412, 'conditionNotMet') : undefined,
  )
  expect(await world.gcp.retag(world.access, [change])).toEqual([
    { id: disk.id, refusal: expect.stringContaining('Somebody else changes its labels') },
  ])
  expect(world.held.labels).toEqual({ old: '1' })
})

test.each([
  [{ name: 'op-1', status: 'DONE', error: { errors: [{ code: 'QUOTA', message: 'No more.' }] } }, /QUOTA.*No more/],
])('an operation that ends as %j is a refusal', async (operation, refusal) => {
  const world = await diskWith({ old: '1' }, ({ path }) => (path.endsWith('/wait') ? { body: operation } : undefined))
  expect(await world.gcp.retag(world.access, [change])).toEqual([
    { id: disk.id, refusal: expect.stringMatching(refusal) },
  ])
})

test('a denied change names the permissions, and a message of Google does not show', async () => {
  const world = await diskWith({ old: '1' }, (request) => (isSetting(request) ? denial(403, 'forbidden') : undefined))
  const [answer] = await world.gcp.retag(world.access, [change])
  expect(answer?.refusal).toContain('compute.*.setLabels')
  expect(answer?.refusal).not.toContain('canary')
  expect(world.calls.map(({ api }) => api)).toEqual(['oauth2.token', 'compute.disks.get', 'compute.disks.setLabels'])
})

test.each<[string, string, Reply, RegExp]>([
  ['runs on', '/wait', { body: { name: 'op-1', status: 'RUNNING' } }, /has not finished/],
  ['cannot be waited for', '/wait', denial(403, 'forbidden'), /may not read/],
  ['is not answered', '/setLabels', { status: 503, body: '' }, /503/],
])('a change that %s after it was sent may be made', async (_, end, reply, refusal) => {
  const world = await diskWith({ old: '1' }, ({ path }) => (path.endsWith(end) ? reply : undefined))
  expect(await world.gcp.retag(world.access, [change])).toEqual([
    { id: disk.id, refusal: expect.stringMatching(refusal), isPartly: true },
  ])
})

test('calls that Google Cloud throttles are refused for the moment, and have changed nothing', async () => {
  const world = await diskWith({ old: '1' }, ({ path }) =>
    path.includes('/disks/') ? { status: 429, headers: { 'retry-after': '3600' } } : undefined,
  )
  const passing = { id: disk.id, refusal: expect.any(String) as string, isPassing: true }
  expect(await world.gcp.retag(world.access, [change])).toEqual([passing])
  expect(await world.gcp.tags(world.access, [disk])).toEqual([passing])
})

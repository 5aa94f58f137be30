import { existsSync, globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ActionName, ActionParameters } from '@cloudoptima/core'
import { expect, test } from 'vitest'
import type { ReceivedRequest, Reply } from '../../testing/loopback.ts'
import { subscriptionId } from '../collect/testing.ts'
import { actionOn } from './testing.ts'

const recordings = resolve(import.meta.dirname, '../../../../../../shared/cases/clouds/azure')
const recorded = existsSync(recordings)
if (!recorded) console.warn(`no recordings in ${recordings}`)

interface Recorded {
  interactions: { response: { body?: { data?: { value?: unknown; type?: unknown } } } }[]
}

/** Lists of all resources leave the properties out. */
const isWhole = (type: string) => (one: unknown) => {
  const { type: own, properties } = (one ?? {}) as { type?: unknown; properties?: unknown }
  return own === type && properties !== undefined
}

/** The recorded resources of a type, each once, in our subscription. */
function recordedOf(type: string): { id: string; type: string }[] {
  const all = globSync('*.json', { cwd: recordings }).flatMap((file) => {
    const { interactions } = JSON.parse(readFileSync(resolve(recordings, file), 'utf8')) as Recorded
    return interactions.flatMap(({ response }) => {
      const data = response.body?.data
      const listed: unknown[] = Array.isArray(data?.value) ? data.value : [data]
      return listed.filter(isWhole(type)) as { id: string }[]
    })
  })
  const ours = all.map((one) => ({
    ...one,
    type,
    id: one.id.replace(/^\/subscriptions\/[^/]+/, `/subscriptions/${subscriptionId}`),
  }))
  return [...new Map(ours.map((one) => [JSON.stringify(one), one])).values()]
}

const notFound: Reply = { status: 404, headers: { 'x-ms-error-code': 'ResourceNotFound' }, body: '' }
const nothing = (request: ReceivedRequest): Reply =>
  request.path.includes('autoscaleSettings') ? { body: { value: [] } } : notFound

test.skipIf(!recorded).each<[ActionName, string, ActionParameters, state: RegExp, plans: number, refusals: number]>([
  ['stop-instance', 'Microsoft.Compute/virtualMachines', {}, /"powerState":"(running|deallocated|changing)"/, 1, 16],
  ['delete-volume', 'Microsoft.Compute/disks', {}, /"uniqueId":"([\da-f-]{36})?"/, 7, 8],
  ['change-volume', 'Microsoft.Compute/disks', { type: 'StandardSSD_LRS' }, /"sku":"\w+","diskSizeGB":\d+/, 9, 6],
  ['delete-snapshot', 'Microsoft.Compute/snapshots', {}, /"diskState":"Unattached","sourceResourceId":"/, 2, 0],
  ['release-address', 'Microsoft.Network/publicIPAddresses', {}, /"resourceGuid":"[\da-f-]{36}"/, 0, 4],
  ['scale-plan', 'Microsoft.Web/serverfarms', { sku: 'P0v3' }, /"sku":"\w+","instances":\d/, 2, 2],
])(
  '%s has a plan for each recorded resource of %s, or a reason against it',
  async (name, type, parameters, state, plans, refusals) => {
    const found = { plans: 0, refusals: 0 }
    for (const document of recordedOf(type)) {
      const { plan, order } = await actionOn(name, { id: document.id, document, parameters, answer: nothing })
      expect(JSON.stringify(order.before)).toMatch(state)
      const planned = await plan()
      found[typeof planned === 'object' && 'after' in planned ? 'plans' : 'refusals']++
    }
    expect(found).toEqual({ plans, refusals })
  },
)

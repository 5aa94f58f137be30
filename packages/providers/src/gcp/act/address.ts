import {
  type ActionState,
  type ActionStep,
  type ActionTarget,
  type CloudAction,
  TagLimits,
  TagPlan,
} from '@cloudoptima/core'
import { done, goingOn } from '../../access/steps.ts'
import type { Caller } from '../collect/calls.ts'
import { type Compute, computeOf, failureOf, isUnfinished, placeIn, refusedStep, type Step } from './compute.ts'
import type { ActApi } from './permissions.ts'
import { numberOf, renumbered } from './place.ts'

/** The fields of an external address that an insert takes. */
const kept = [
  'address',
  'description',
  'addressType',
  'networkTier',
  'ipVersion',
  'ipv6EndpointType',
  'prefixLength',
] as const

/** https://cloud.google.com/compute/docs/reference/rest/v1/addresses */
interface Address extends Partial<Record<(typeof kept)[number], string | number>> {
  id: string
  status: string
  users?: string[]
  labels?: Record<string, string>
  labelFingerprint?: string
}

const apiOf = (scope: string, method: 'get' | 'delete' | 'insert' | 'setLabels'): ActApi =>
  scope === 'global' ? `compute.globalAddresses.${method}` : `compute.addresses.${method}`

function stateOf(address: Address) {
  const { id, status, labels = {}, users = [] } = address
  const fields: Partial<Record<(typeof kept)[number], string | number>> = Object.fromEntries(
    kept.flatMap((field) => (address[field] === undefined ? [] : [[field, address[field]]])),
  )
  return { id, status, labels, users, ...fields }
}

type AddressState = ReturnType<typeof stateOf>
const given = (state: ActionState) => state as unknown as AddressState

function keptFrom({ labels, status, users, addressType = 'EXTERNAL' }: AddressState): string | undefined {
  if (TagLimits.isProtected('gcp', labels)) return TagPlan.protectedBy
  if (addressType !== 'EXTERNAL') return 'The address is internal: it costs nothing. Delete it yourself, if you want.'
  if (status !== 'RESERVED' || users.length > 0) return `The address is ${status}. Take it from its user first.`
  return undefined
}

/** Deletes the reservation of an external address: https://cloud.google.com/vpc/docs/reserve-static-external-ip-address */
export function releaseAddress(caller: Caller): CloudAction {
  const compute = computeOf(caller)
  const read = async (target: ActionTarget) => {
    const address = await addressOf(compute, target)
    return address && [address.id, undefined].includes(numberOf(target)) ? stateOf(address) : undefined
  }
  return {
    readState: read,
    async plan({ before }) {
      const refusal = keptFrom(given(before))
      if (refusal !== undefined) return { refusal }
      const notes = ['Look for the IP address in DNS records and allow lists.']
      const lost = ['the id of the address', 'the IP address itself, if Google has given it to somebody else']
      return { after: null, undo: 'partial', lost, losesData: null, notes }
    },
    async act(order) {
      const { memory, before, target } = order
      const { scope, path } = placeIn(caller, target, 'addresses')
      const operations = await compute.operations(scope, given(before).id)
      const now = await addressOf(compute, target)
      if (now?.id !== given(before).id) return done(memory)
      const step: Step = { order, phase: 'act' }
      if (operations.some(isUnfinished)) return goingOn(memory, 5, 'An operation on the address is not finished.')
      if (now.users?.length) return refusedStep(step, 'Somebody uses the address now. Plan again.')
      const change = { method: 'DELETE' as const, path, operations, waitSeconds: 5, says: 'The address is released.' }
      return await compute.change(step, { ...change, api: apiOf(scope, 'delete') })
    },
    verify: async ({ target, before }) =>
      (await addressOf(compute, target))?.id === given(before).id ? ['The address is still reserved.'] : [],
    undo: async (order) => await undo(compute, { order, phase: 'undo' }),
    restored: ({ target, before, memory }) =>
      typeof memory['address'] === 'string' ? renumbered(target, given(before).id, memory['address']) : target,
  }
}

async function addressOf(compute: Compute, target: ActionTarget): Promise<Address | undefined> {
  const { scope, path } = placeIn(compute.caller, target, 'addresses')
  return await compute.get<Address>(apiOf(scope, 'get'), path)
}

async function undo(compute: Compute, step: Step): Promise<ActionStep> {
  const { memory, before, target } = step.order
  const { scope, path } = placeIn(compute.caller, target, 'addresses')
  const operations = await compute.operations(scope, (memory['address'] as string | undefined) ?? given(before).id)
  const now = await addressOf(compute, target)
  if (now && operations.some(isUnfinished)) return goingOn(memory, 5, 'An operation on the address is not finished.')
  if (now?.id === given(before).id) return done(memory)
  if (!now || now.id !== memory['address']) return await reserve(compute, step, now)
  if (now.status === 'RESERVING') return goingOn(memory, 5, 'The address is RESERVING.')
  if (isSame(now.labels ?? {}, given(before).labels)) return done(memory)
  return await compute.change(step, {
    api: apiOf(scope, 'setLabels'),
    path: `${path}/setLabels`,
    body: { labels: before['labels'], labelFingerprint: now.labelFingerprint },
    operations,
    waitSeconds: 5,
    says: 'The address gets its labels.',
  })
}

/** First the same IP address; if Google has it no more, any. Google answers the same request with the same operation. */
async function reserve(compute: Compute, step: Step, now: Address | undefined): Promise<ActionStep> {
  const { memory, before, target } = step.order
  const { scope, path } = placeIn(compute.caller, target, 'addresses')
  const isTaken = memory['isTaken'] === true
  const fields = kept.filter((field) => field in before && !(isTaken && field === 'address'))
  const sent = await compute.send(step, {
    api: apiOf(scope, 'insert'),
    verb: isTaken ? 'reserve another' : 'reserve the same',
    path: `${scope}/addresses`,
    body: { name: path.split('/').at(-1), ...Object.fromEntries(fields.map((field) => [field, before[field]])) },
  })
  if ('isBusy' in sent) return goingOn(memory, 10, 'Another operation on the address is not finished.')
  const reason = 'refusal' in sent ? sent.refusal : failureOf(sent.operation)
  if (reason !== undefined && (isTaken || now)) return refusedStep(step, `Google Cloud refused the address: ${reason}`)
  if (reason !== undefined) return goingOn({ ...memory, isTaken: true }, 1, `The IP address is gone: ${reason}`)
  const made = 'operation' in sent ? sent.operation.targetId : undefined
  if (now && now.id !== made)
    return refusedStep(step, `There is another address at ${path}. Rename or delete it, and roll back again.`)
  return goingOn(now ? { ...memory, address: now.id } : memory, 5, 'The address is reserved.')
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key])
}

import type { Json, TagsByKey } from '@cloudoptima/core'
import { isDeepStrictEqual } from 'node:util'
import { type Arm, spelled } from './arm.ts'
import { isBusy, isProtected, protectedBy } from './machine.ts'
import type { Recipe } from './step.ts'

const type = 'Microsoft.Network/publicIPAddresses'

interface Reference {
  id: string
}

/** https://learn.microsoft.com/rest/api/virtualnetwork/public-ip-addresses/get */
interface Address {
  name: string
  location: string
  zones?: string[] | null
  tags?: TagsByKey | null
  sku?: { name: string; tier?: string }
  properties: {
    provisioningState?: string
    resourceGuid?: string
    ipAddress?: string
    publicIPAllocationMethod?: string
    publicIPAddressVersion?: string
    idleTimeoutInMinutes?: number
    dnsSettings?: { domainNameLabel?: string; domainNameLabelScope?: string; reverseFqdn?: string } | null
    ddosSettings?: { protectionMode?: string; ddosProtectionPlan?: Reference } | null
    ipTags?: { ipTagType: string; tag: string }[] | null
    publicIPPrefix?: Reference | null
    ipConfiguration?: Reference | null
    natGateway?: Reference | null
  }
}

type State = {
  name: string
  resourceGuid: string
  ipAddress: string | null
  /** What uses it. */
  user: string | null
  /** The body of the request that makes it again. */
  made: { readonly [field: string]: Json }
  tags: TagsByKey
}

const addressAt = async (arm: Arm, path: string) =>
  await arm.read<Address>('Microsoft.Network/publicIPAddresses/read', type, path)

function stateOf({ name, location, zones, tags, sku, properties }: Address): State {
  const { dnsSettings, ddosSettings, ipTags, publicIPPrefix, ipConfiguration, natGateway } = properties
  const label = dnsSettings?.domainNameLabel
  const made = {
    location,
    ...(zones && zones.length > 0 && { zones }),
    ...(sku && { sku: { name: sku.name, ...(sku.tier !== undefined && { tier: sku.tier }) } }),
    properties: {
      publicIPAllocationMethod: properties.publicIPAllocationMethod ?? 'Static',
      publicIPAddressVersion: properties.publicIPAddressVersion ?? 'IPv4',
      idleTimeoutInMinutes: properties.idleTimeoutInMinutes ?? 4,
      ...(label !== undefined && {
        dnsSettings: {
          domainNameLabel: label,
          ...(dnsSettings?.domainNameLabelScope && { domainNameLabelScope: dnsSettings.domainNameLabelScope }),
          ...(dnsSettings?.reverseFqdn && { reverseFqdn: dnsSettings.reverseFqdn }),
        },
      }),
      ...(ddosSettings?.protectionMode && {
        ddosSettings: {
          protectionMode: ddosSettings.protectionMode,
          ...(ddosSettings.ddosProtectionPlan && { ddosProtectionPlan: { id: ddosSettings.ddosProtectionPlan.id } }),
        },
      }),
      ...(ipTags && ipTags.length > 0 && { ipTags: ipTags.map(({ ipTagType, tag }) => ({ ipTagType, tag })) }),
      ...(publicIPPrefix && { publicIPPrefix: { id: publicIPPrefix.id } }),
    },
  }
  return {
    name,
    resourceGuid: properties.resourceGuid ?? '',
    ipAddress: properties.ipAddress ?? null,
    user: ipConfiguration?.id ?? natGateway?.id ?? null,
    made,
    tags: tags ?? {},
  }
}

/** https://learn.microsoft.com/rest/api/virtualnetwork/public-ip-addresses/delete */
export const releaseAddress: Recipe<State> = {
  type,
  async read(arm, { id }) {
    const address = await addressAt(arm, id)
    return address && stateOf(address)
  },
  plan(_, { before }) {
    if (isProtected(before)) return { refusal: protectedBy }
    if (before.user !== null) return { refusal: 'The address is in use. Dissociate it first.' }
    const lost = before.ipAddress === null ? [] : [`the address ${before.ipAddress}`]
    return { after: null, undo: 'partial', lost: [...lost, 'the GUID of the resource'], losesData: null, notes: [] }
  },
  async act(arm, { target, before }) {
    const address = await addressAt(arm, target.id)
    if (!address) return { done: {} }
    const { resourceGuid, user } = stateOf(address)
    if (resourceGuid !== before.resourceGuid)
      return { refuse: 'Another address has taken the name of the address. Plan the action again.' }
    if (isBusy(address)) return { wait: 'Azure is changing the address.' }
    if (user !== null) return { refuse: 'The address is in use now. Plan the action again.' }
    const change = { api: `${type}/delete`, method: 'DELETE', type, path: target.id } as const
    return { change, says: 'Azure is asked to release the address.' }
  },
  async undo(arm, { target, before }) {
    const address = await addressAt(arm, target.id)
    if (!address) {
      const body = { ...before.made, tags: before.tags }
      const change = { api: `${type}/write`, method: 'PUT', type, path: spelled(target.id, before.name), body } as const
      return { change, says: 'Azure is asked for an address of the same name.' }
    }
    if (isBusy(address)) return { wait: 'Azure is changing the address.' }
    if (isDeepStrictEqual(stateOf(address).made, before.made)) return { done: {} }
    return { refuse: 'An address with this name and other settings exists. Choose a new name for the old one by hand.' }
  },
}

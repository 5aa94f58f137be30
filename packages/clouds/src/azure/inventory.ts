import { Random } from '@cloudoptima/sample'
import { Refusal } from '../answers.ts'
import { dayOf, isIdle, isRunning, timeOf } from '../load.ts'
import { type Operation, type Operations, nextLink, page, type Question } from './operation.ts'
import { type AzureResource, guidOf, machineOf, machines } from './resource.ts'

const graphPage = 10
const disks = 'microsoft.compute/disks'
const gateways = 'microsoft.network/applicationgateways'

/** What Resource Graph says of a resource beside its name, place and tags. */
type Description = (resource: AzureResource, question: Question) => Record<string, unknown> & { properties: object }

/** By type; other types have no resources. */
const table: Record<string, Description> = {
  [machines]: (resource, question) => {
    const { azure } = question
    const isOn = isRunning(resource, azure.now())
    const attached = question
      .all(disks)
      .filter((disk) => machineOf(disk, azure.resources, azure.now())?.id === resource.id)
    return {
      properties: {
        hardwareProfile: { vmSize: resource.vmSize },
        priority: 'Regular',
        timeCreated: resource.createdAt,
        storageProfile: {
          osDisk: { osType: resource.key % 4 === 0 ? 'Windows' : 'Linux' },
          dataDisks: attached.map((disk, lun) => ({ lun, managedDisk: { id: disk.id } })),
        },
        extended: { instanceView: { powerState: { code: isOn ? 'PowerState/running' : 'PowerState/deallocated' } } },
      },
    }
  },
  [disks]: (resource, { azure }) => {
    const machine = machineOf(resource, azure.resources, azure.now())
    const isOn = machine && isRunning(machine, azure.now())
    return {
      sku: { name: 'Premium_LRS', tier: 'Premium' },
      managedBy: machine?.id ?? '',
      properties: {
        diskSizeGB: 512,
        diskIOPSReadWrite: 2300,
        diskMBpsReadWrite: 150,
        tier: 'P20',
        timeCreated: resource.createdAt,
        LastOwnershipUpdateTime: resource.createdAt,
        diskState: machine ? (isOn ? 'Attached' : 'Reserved') : 'Unattached',
      },
    }
  },
  'microsoft.compute/snapshots': (resource, { all }) => {
    const near = all(disks).filter(({ region }) => region === resource.region)
    return {
      sku: { name: 'Standard_LRS', tier: 'Standard' },
      properties: {
        diskSizeGB: 256,
        timeCreated: resource.createdAt,
        incremental: true,
        creationData: { createOption: 'Copy', sourceResourceId: near[resource.key % near.length]?.id ?? '' },
        diskState: 'Unattached',
      },
    }
  },
  'microsoft.network/publicipaddresses': ({ key, region }, { all }) => {
    const near = all(gateways).filter((each) => each.region === region)
    const gateway = near[key % near.length]
    return {
      sku: { name: 'Standard', tier: 'Regional' },
      properties: {
        ipAddress: `20.${[1, 2, 3].map((part) => Random.mix(key, part) % 256).join('.')}`,
        publicIPAllocationMethod: 'Static',
        ...(gateway && { ipConfiguration: { id: `${gateway.id}/frontendIPConfigurations/public` } }),
      },
    }
  },
  [gateways]: ({ key }) => ({
    properties: {
      sku: { name: 'Standard_v2', tier: 'Standard_v2' },
      operationalState: 'Running',
      autoscaleConfiguration: { minCapacity: 1 },
      backendAddressPools: [{ properties: { backendAddresses: [{ ipAddress: `10.0.1.${key % 250}` }] } }],
    },
  }),
  // The bill of a paused database has its storage only.
  'microsoft.sql/servers/databases': ({ pattern, createdAt, key }) => ({
    kind: pattern === 'storage' ? 'v12.0,user,vcore,serverless' : 'v12.0,user,vcore',
    sku: { name: pattern === 'storage' ? 'GP_S_Gen5' : 'GP_Gen5', tier: 'GeneralPurpose', capacity: 4 },
    properties: {
      status: pattern === 'storage' ? 'Paused' : 'Online',
      maxSizeBytes: (32 + (key % 8) * 32) * 2 ** 30,
      creationDate: createdAt,
      zoneRedundant: false,
      autoPauseDelay: pattern === 'storage' ? 60 : -1,
    },
  }),
  'microsoft.storage/storageaccounts': ({ createdAt }) => ({
    kind: 'StorageV2',
    sku: { name: 'Standard_LRS', tier: 'Standard' },
    properties: { creationTime: createdAt, accessTier: 'Hot', isHnsEnabled: false },
  }),
  'microsoft.web/sites': ({ createdAt }) => ({
    kind: 'functionapp,linux',
    properties: { sku: 'Dynamic', state: 'Running', lastModifiedTimeUtc: createdAt },
  }),
  'microsoft.web/serverfarms': (resource) => ({
    kind: 'linux',
    sku: { name: 'P1v3', tier: 'PremiumV3', capacity: 1 },
    properties: { status: 'Ready', numberOfSites: isIdle(resource) ? 0 : 1 + (resource.key % 5), reserved: true },
  }),
  'microsoft.containerservice/managedclusters': ({ key }) => ({
    sku: { name: 'Base', tier: 'Standard' },
    properties: {
      powerState: { code: 'Running' },
      kubernetesVersion: `1.${30 + (key % 4)}.2`,
      agentPoolProfiles: [{ name: 'system', vmSize: 'Standard_D4s_v5', count: 2 + (key % 4) }],
    },
  }),
  'microsoft.documentdb/databaseaccounts': () => ({
    kind: 'GlobalDocumentDB',
    properties: {
      databaseAccountOfferType: 'Standard',
      enableFreeTier: false,
      capabilities: [],
      locations: [{ failoverPriority: 0 }],
    },
  }),
  'microsoft.operationalinsights/workspaces': ({ key, createdAt }) => ({
    properties: {
      sku: { name: 'PerGB2018' },
      retentionInDays: key % 3 === 0 ? 365 : 30,
      createdDate: createdAt,
      workspaceCapping: { dailyQuotaGb: -1 },
    },
  }),
}

interface GraphQuestion {
  subscriptions: string[]
  query: string
  options: { $top: number; $skipToken?: string }
}

/** The type that a question to Resource Graph is about. */
export function askedType(body: string): string {
  const { query } = JSON.parse(body) as GraphQuestion
  const type = /^resources \| where type =~ '([\w./]+)'/.exec(query)?.[1]
  if (type === undefined) throw new Error(`The query is not simulated: ${query}`)
  return type
}

const graph: Operation = (question) => {
  const { subscription, request, all } = question
  const { subscriptions, options } = JSON.parse(request.body) as GraphQuestion
  if (subscriptions.some((id) => id !== subscription.subscriptionId)) throw new Refusal('AccessDenied', 403)
  const type = askedType(request.body).toLowerCase()
  const describe = table[type]
  const found = describe ? all(type).toSorted((a, b) => (a.id < b.id ? -1 : 1)) : []
  const { items, next } = page(found, options.$skipToken, Math.min(options.$top, graphPage))
  const data = items.map((resource) => {
    const { id, name, region: location, zone, tags } = resource
    return { id, name, location, tags, zones: zone ? [zone] : null, ...describe?.(resource, question) }
  })
  const more = next === undefined ? {} : { $skipToken: next }
  const resultTruncated = String(next !== undefined)
  return { body: { totalRecords: found.length, count: data.length, data, resultTruncated, ...more } }
}

const yearDays = 365

/** Those of the subscription that pays for them; they apply to all. */
const reservations: Operation = ({ azure: { estate, now }, subscription: { subscriptionId }, request }) => {
  const payer = estate.subAccounts[0]?.id
  const bought = estate.commitments.filter(
    ({ id, from }) => guidOf(payer) === subscriptionId && id.includes('/Microsoft.Capacity/') && from <= dayOf(now()),
  )
  const { items, next } = page(bought, request.query.get('$skiptoken'), graphPage)
  const value = items.map(({ id, name, count, from }) => ({
    id,
    sku: { name: `Standard_${name.slice('VM_'.length, -'_1Y'.length)}` },
    location: estate.regions[0],
    properties: {
      displayName: name,
      displayProvisioningState: 'Succeeded',
      reservedResourceType: 'VirtualMachines',
      quantity: count,
      term: 'P1Y',
      billingPlan: 'Monthly',
      purchaseDateTime: timeOf(from),
      expiryDateTime: timeOf(from + yearDays * (1 + Math.floor((dayOf(now()) - from) / yearDays))),
      renew: true,
      appliedScopeType: 'Shared',
      billingScopeId: payer,
    },
  }))
  return { body: { value, nextLink: nextLink(request, next) } }
}

export const graphCall = 'Microsoft.ResourceGraph/resources/read'

/** Of Resource Graph, and the lists of a tenant. */
export const inventory: Operations = {
  [graphCall]: ['/providers/Microsoft.ResourceGraph/resources', graph],
  'Microsoft.Capacity/reservations/read': ['/providers/Microsoft.Capacity/reservations', reservations],
  'Microsoft.BillingBenefits/savingsPlans/read': [
    '/providers/Microsoft.BillingBenefits/savingsPlans',
    () => ({ body: { value: [] } }),
  ],
}

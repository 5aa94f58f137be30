import { Random } from '@cloudoptima/sample'
import { isIdle, isRunning } from '../load.ts'
import type { Question } from './operation.ts'
import { type AzureResource, disks, machineOf, machines } from './resource.ts'

/** Of images: every fourth machine runs Windows. */
const publishers = ['MicrosoftWindowsServer', 'Canonical', 'RedHat', 'SUSE']
const gateways = 'microsoft.network/applicationgateways'

/** What Resource Graph says of a resource beside its name, place and tags. */
type Description = (resource: AzureResource, question: Question) => Record<string, unknown> & { properties: object }

/** By type; other types have no resources. The resource manager says the same in other places. */
export const descriptions: Record<string, Description> = {
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
          imageReference: { publisher: publishers[resource.key % publishers.length] },
          osDisk: {
            osType: resource.key % publishers.length === 0 ? 'Windows' : 'Linux',
            managedDisk: { storageAccountType: 'Premium_LRS' },
          },
          dataDisks: attached.map(({ id, name }, lun) => ({
            lun,
            name,
            createOption: 'Attach',
            caching: 'ReadOnly',
            deleteOption: 'Detach',
            managedDisk: { id, storageAccountType: 'Premium_LRS' },
            diskSizeGB: 512,
          })),
        },
        instanceView: {
          statuses: [
            { code: 'ProvisioningState/succeeded' },
            { code: isOn ? 'PowerState/running' : 'PowerState/deallocated' },
          ],
        },
      },
    }
  },
  [disks]: (resource, { azure }) => ({
    sku: { name: 'Premium_LRS', tier: 'Premium' },
    managedBy: machineOf(resource, azure.resources, azure.now())?.id ?? '',
    properties: {
      diskSizeGB: 512,
      diskIOPSReadWrite: 2300,
      diskMBpsReadWrite: 150,
      tier: 'P20',
      timeCreated: resource.createdAt,
      LastOwnershipUpdateTime: resource.createdAt,
      encryption: { type: 'EncryptionAtRestWithPlatformKey' },
      networkAccessPolicy: 'AllowAll',
      publicNetworkAccess: 'Enabled',
      creationData: { createOption: 'Empty' },
    },
  }),
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
        publicIPAddressVersion: 'IPv4',
        idleTimeoutInMinutes: 4,
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

import type { ResourceKind } from '@cloudoptima/core'

/** Which properties of a resource type, as Resource Graph names them, become which fields. */
export interface Row {
  /** As its permission to read names it. */
  type: string
  kind: ResourceKind
  /** A condition in KQL. */
  where?: string
  /** Default: `sku.name`. */
  size?: string
  state?: string
  createdAt?: string
  sizeGb?: string
  sizeBytes?: string
  iops?: string
  attachedTo?: string
  /** Paths with spaces between, into the configuration by their last name. */
  keep?: string
  /** Paths, of which the number of values goes into the configuration. */
  count?: string
}

const powerState = 'properties.extended.instanceView.powerState.code'
const pools = 'properties.backendAddressPools'
const sqlSize = { sizeBytes: 'properties.maxSizeBytes', createdAt: 'properties.creationDate' }
const diskSize = { sizeGb: 'properties.diskSizeGB', createdAt: 'properties.timeCreated' }
const flexibleServer: Omit<Row, 'type'> = {
  kind: 'database',
  state: 'properties.state',
  sizeGb: 'properties.storage.storageSizeGB',
  iops: 'properties.storage.iops',
  keep:
    'sku.tier properties.version properties.highAvailability.mode properties.backup.backupRetentionDays ' +
    'properties.replicationRole',
}

export const rows: readonly Row[] = [
  {
    type: 'Microsoft.Compute/virtualMachines',
    kind: 'instance',
    size: 'properties.hardwareProfile.vmSize',
    state: powerState,
    createdAt: 'properties.timeCreated',
    keep:
      `${powerState} properties.storageProfile.osDisk.osType properties.priority properties.licenseType ` +
      'properties.virtualMachineScaleSet',
    count: 'properties.storageProfile.dataDisks',
  },
  {
    type: 'Microsoft.Compute/disks',
    kind: 'volume',
    ...diskSize,
    state: 'properties.diskState',
    iops: 'properties.diskIOPSReadWrite',
    attachedTo: 'managedBy',
    keep:
      'properties.LastOwnershipUpdateTime properties.diskMBpsReadWrite properties.tier properties.osType ' +
      'properties.maxShares',
  },
  {
    type: 'Microsoft.Compute/snapshots',
    kind: 'snapshot',
    ...diskSize,
    attachedTo: 'properties.creationData.sourceResourceId',
    keep: 'properties.incremental properties.creationData.createOption',
  },
  { type: 'Microsoft.Compute/images', kind: 'image', attachedTo: 'properties.sourceVirtualMachine.id' },
  {
    type: 'Microsoft.Network/publicIPAddresses',
    kind: 'address',
    attachedTo: 'properties.ipConfiguration.id|properties.natGateway.id',
    keep: 'properties.ipAddress properties.publicIPAllocationMethod',
  },
  {
    type: 'Microsoft.Network/loadBalancers',
    kind: 'load_balancer',
    keep: 'sku.tier',
    count:
      `${pools} ${pools}.properties.backendIPConfigurations ${pools}.properties.loadBalancerBackendAddresses ` +
      'properties.loadBalancingRules properties.inboundNatRules',
  },
  {
    type: 'Microsoft.Network/applicationGateways',
    kind: 'load_balancer',
    size: 'properties.sku.name',
    state: 'properties.operationalState',
    keep: 'properties.sku.tier properties.sku.capacity properties.autoscaleConfiguration.minCapacity',
    count: `${pools} ${pools}.properties.backendIPConfigurations ${pools}.properties.backendAddresses`,
  },
  { type: 'Microsoft.Network/natGateways', kind: 'nat_gateway', count: 'properties.subnets' },
  {
    type: 'Microsoft.Sql/servers/databases',
    kind: 'database',
    // Each server has the system database `master`, which costs nothing.
    where: "name !~ 'master'",
    state: 'properties.status',
    ...sqlSize,
    keep:
      'kind sku.tier sku.capacity properties.elasticPoolId properties.zoneRedundant properties.autoPauseDelay ' +
      'properties.secondaryType',
  },
  {
    type: 'Microsoft.Sql/servers/elasticPools',
    kind: 'database',
    state: 'properties.state',
    ...sqlSize,
    keep: 'sku.tier sku.capacity',
  },
  { type: 'Microsoft.Sql/servers', kind: 'database', state: 'properties.state', keep: 'kind properties.version' },
  { type: 'Microsoft.DBforPostgreSQL/flexibleServers', ...flexibleServer },
  { type: 'Microsoft.DBforMySQL/flexibleServers', ...flexibleServer },
  {
    type: 'Microsoft.Storage/storageAccounts',
    kind: 'bucket',
    createdAt: 'properties.creationTime',
    keep: 'kind sku.tier properties.accessTier properties.isHnsEnabled',
  },
  {
    type: 'Microsoft.Web/sites',
    kind: 'function',
    where: "kind contains 'functionapp'",
    size: 'properties.sku',
    state: 'properties.state',
    attachedTo: 'properties.serverFarmId',
    keep: 'kind properties.lastModifiedTimeUtc',
  },
  {
    type: 'Microsoft.Web/serverfarms',
    kind: 'container_service',
    state: 'properties.status',
    keep: 'kind sku.tier sku.capacity properties.numberOfSites properties.reserved',
  },
  {
    type: 'Microsoft.App/containerApps',
    kind: 'container_service',
    size: 'properties.workloadProfileName',
    state: 'properties.runningStatus',
    keep: 'properties.template.scale.minReplicas properties.template.scale.maxReplicas',
  },
  {
    type: 'Microsoft.ContainerService/managedClusters',
    kind: 'cluster',
    size: 'sku.tier',
    state: 'properties.powerState.code',
    keep: 'properties.kubernetesVersion properties.agentPoolProfiles.vmSize properties.agentPoolProfiles.count',
  },
  {
    type: 'Microsoft.Cache/redis',
    kind: 'cache',
    size: 'properties.sku.name',
    keep: 'properties.sku.family properties.sku.capacity properties.shardCount properties.redisVersion',
  },
  {
    type: 'Microsoft.DocumentDB/databaseAccounts',
    kind: 'table',
    size: 'properties.databaseAccountOfferType',
    keep: 'kind properties.enableFreeTier properties.capabilities.name',
    count: 'properties.locations',
  },
  {
    type: 'Microsoft.OperationalInsights/workspaces',
    kind: 'log_group',
    size: 'properties.sku.name',
    createdAt: 'properties.createdDate',
    keep: 'properties.retentionInDays properties.workspaceCapping.dailyQuotaGb',
  },
]

/** Lists of a tenant, beside Resource Graph. */
export const commitments = [
  {
    part: 'Microsoft.Capacity/reservations',
    url: '/providers/Microsoft.Capacity/reservations?api-version=2022-11-01',
    remedy: 'To see reservations, an administrator of the tenant assigns the application the role Reservations Reader.',
  },
  {
    part: 'Microsoft.BillingBenefits/savingsPlans',
    url: '/providers/Microsoft.BillingBenefits/savingsPlans?api-version=2022-11-01',
    remedy:
      'To see savings plans, an administrator of the tenant assigns the application the role Savings plan Reader.',
  },
]

/** The fields of reservations and savings plans. */
export const commitmentRow: Omit<Row, 'type'> = {
  kind: 'commitment',
  state: 'properties.displayProvisioningState',
  createdAt: 'properties.purchaseDateTime',
  keep:
    'properties.reservedResourceType properties.quantity properties.term properties.expiryDateTime properties.renew ' +
    'properties.appliedScopeType properties.commitment properties.billingScopeId properties.billingPlan',
}

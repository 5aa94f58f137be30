import type { Cloud } from '../../kernel/cloud.ts'
import * as Money from '../../kernel/money.ts'
import type { OwnPrice } from './prices.ts'
import type { MonthlyCost, Part, PartCost } from '../subject.ts'

/** Charges of one resource in 30 days, summed by the columns of FOCUS that are named here; decimals as text. */
export interface Charge {
  cloud: Cloud
  region: string
  /** `SkuMeter`: AWS's usage type, Azure's meter, Google Cloud's description of the SKU. */
  meter: string
  /** `ServiceName` */
  service: string
  currency: string
  effectiveCost: string
  listCost: string | null
  /** `PricingQuantity` */
  quantity: string | null
  commitmentId: string | null
  /** `CommitmentDiscountStatus` */
  commitmentStatus: 'Used' | 'Unused' | null
  /** As `variantOf` tells it of the resource. */
  variant?: string
}

interface Meter {
  part: Part
  pattern: RegExp
}

const meters = (lines: readonly [Part, RegExp][]): Meter[] => lines.map(([part, pattern]) => ({ part, pattern }))

/** The first that matches; a group is the SKU. */
const known: Record<Cloud, readonly Meter[]> = {
  // Usage types, after the prefix of the region: https://docs.aws.amazon.com/cur/latest/userguide/Lineitem-columns.html
  aws: meters([
    ['extended_support', /ExtendedSupport/],
    ['compute', /(?:BoxUsage|HostBoxUsage|DedicatedUsage|InstanceUsage|Multi-AZUsage|NodeUsage):([\w.-]+)/],
    // What a Compute Savings Plan covers beside EC2.
    ['compute', /(?:^|-)(Fargate-(?:ARM-)?(?:vCPU-Hours:perCPU|GB-Hours)|Lambda-GB-Second(?:-ARM)?)$/],
    ['compute', /Fargate|EBSOptimized|CPUCredits|AmazonEKS-Hours/],
    ['backup', /(EBS:SnapshotUsage|RDS:ChargedBackupUsage)$|SnapshotUsage|BackupUsage|ChargedBackup/],
    ['iops', /VolumeP-IOPS\.(\w+)|VolumeIOPS|PIOPS-Storage-IOPS|RDS:GP3-PIOPS|RDS:PIOPS/],
    ['throughput', /VolumeP-Throughput\.(\w+)|RDS:GP3-Throughput/],
    ['storage', /VolumeUsage\.(\w+)|VolumeUsage|TimedStorage|RDS:\S*Storage|StorageUsage/],
    ['capacity', /(?:Read|Write)CapacityUnit-Hrs/],
    ['address', /PublicIPv4|ElasticIP/],
    ['processed', /NatGateway-Bytes|LCUUsage|DataProcessing-Bytes/],
    ['gateway', /NatGateway-Hours|LoadBalancerUsage/],
    ['transfer_zone', /DataTransfer-Regional-Bytes|DataTransfer-xAZ/],
    ['transfer_region', /^[A-Z]{2,4}\d?-[A-Z]{2,4}\d?-AWS-(?:In|Out)-Bytes/],
    ['transfer_internet', /DataTransfer-(?:Out|In)-Bytes/],
  ]),
  // Service and meter: https://learn.microsoft.com/azure/cost-management-billing/automate/understand-usage-details-fields
  azure: meters([
    ['license', /^Virtual Machines Licenses/],
    ['backup', /Snapshots/],
    ['operations', /(?:\b([PESL]\d+ [LZ]RS) )?Disk Operations/],
    ['storage', /\b([PESL]\d+ [LZ]RS) Disk|Data Stored/],
    ['address', /Public IP/],
    ['processed', /Data Processed|Capacity Units/],
    ['gateway', /^(?:Load Balancer|Application Gateway|NAT Gateway)/],
    ['transfer_zone', /Availability Zone/],
    ['transfer_region', /Inter[- ]Region|Intra-Continent|Inter-Continent/],
    ['transfer_internet', /^Bandwidth/],
    ['compute', /^Virtual Machines: ([A-Z]+\d+\S*(?: v\d+)?)$/],
    ['compute', /^Virtual Machines|^SQL Database|^Azure App Service|vCore|DTU/],
  ]),
  // Descriptions of SKUs: https://cloud.google.com/skus
  gcp: meters([
    ['license', /Licensing Fee/],
    ['backup', /^(Storage PD Snapshot)\b|Snapshot/],
    ['address', /(?:Static|External) Ip Charge|External IP/i],
    [
      'storage',
      /PD Capacity|Storage PD|Hyperdisk\S* Capacity|Standard storage|Storage.*Image|SSD storage|HDD storage/i,
    ],
    ['iops', /IOPS/],
    ['throughput', /Throughput/],
    ['transfer_zone', /Inter Zone/i],
    ['transfer_region', /Inter Region/i],
    ['transfer_internet', /Internet.*Egress|Internet Data Transfer|Network Internet/i],
    ['processed', /Data Processing/i],
    ['gateway', /Load Balanc|Forwarding Rule|Cloud Nat.*Uptime|NAT Gateway/i],
    ['compute', /Core|Ram|vCPU|RAM|Instance/],
  ]),
}

/** The part of a charge, and the SKU if its meter names one. */
export function partOf({ cloud, service, meter }: Pick<Charge, 'cloud' | 'service' | 'meter'>): {
  part: Part
  sku?: string
} {
  // Azure's meters mean something with their service only.
  const text = cloud === 'azure' ? `${service}: ${meter}` : meter
  for (const { part, pattern } of known[cloud]) {
    const match = pattern.exec(text)
    const named = match?.slice(1).find((group) => group !== undefined)
    // The meter `D4s v5` is of the type Standard_D4s_v5.
    const sku = cloud === 'azure' && part === 'compute' && named ? `Standard_${named.replaceAll(' ', '_')}` : named
    if (match) return { part, ...(sku !== undefined && { sku }) }
  }
  return { part: 'other' }
}

/** The cost of a resource by part, in the currency of most charges; undefined without charges. */
export function monthlyCost(charges: readonly Charge[]): MonthlyCost | undefined {
  const [currency] = [...Map.groupBy(charges, (charge) => charge.currency)]
    .toSorted(([a, some], [b, others]) => others.length - some.length || (a < b ? -1 : 1))
    .map(([name]) => name)
  if (currency === undefined) return undefined
  const own = charges.filter((charge) => charge.currency === currency && charge.commitmentStatus !== 'Unused')
  const byPart = Map.groupBy(own, (charge) => partOf(charge).part)
  return { currency, parts: [...byPart].map(([part, some]) => partCost(part, some)) }
}

/** What was paid for each SKU without a commitment. */
export function ownPrices(charges: readonly Charge[]): OwnPrice[] {
  const prices = charges.flatMap((charge): OwnPrice[] => {
    const { part, sku } = partOf(charge)
    const { cloud, region, currency, commitmentId, variant, quantity, effectiveCost, listCost } = charge
    if (sku === undefined || commitmentId !== null || quantity === null || Money.parse(quantity).lte(0)) return []
    // The price of a free tier, or one that credits pay, is not that of further usage.
    if (Money.parse(effectiveCost).lte(0)) return []
    const optional = { ...(variant !== undefined && { variant }), ...(listCost !== null && { listCost }) }
    return [{ cloud, region, part, sku, currency, quantity, cost: effectiveCost, ...optional }]
  })
  const bySku = Map.groupBy(prices, ({ cloud, region, part, sku, currency, variant = '' }) =>
    [cloud, region, part, sku, currency, variant].join('|'),
  )
  return [...bySku.values()].flatMap((same) => {
    const [first] = same
    if (!first) return []
    const { listCost: _, ...sku } = first
    const listed = same.map(({ listCost }) => listCost).filter((cost) => cost !== undefined)
    const total = (texts: readonly string[]) => Money.plain(Money.sum(texts.map(Money.parse)))
    return [
      {
        ...sku,
        quantity: total(same.map(({ quantity }) => quantity)),
        cost: total(same.map(({ cost }) => cost)),
        // A discount needs both costs of all charges.
        ...(listed.length === same.length && { listCost: total(listed) }),
      },
    ]
  })
}

const costOf = (charges: readonly Charge[]) => Money.sum(charges.map(({ effectiveCost }) => Money.parse(effectiveCost)))

function partCost(part: Part, charges: readonly Charge[]): PartCost {
  const covered = charges.filter(({ commitmentStatus }) => commitmentStatus === 'Used')
  const free = charges.filter(({ commitmentStatus }) => commitmentStatus !== 'Used')
  const listed = free.map(({ listCost }) => listCost).filter((cost) => cost !== null)
  const isListed = free.length > 0 && listed.length === free.length
  const commitmentId = covered.map((charge) => charge.commitmentId).find((id) => id !== null)
  return {
    part,
    ...amountsOf(charges),
    ...(isListed && { listCost: Money.plain(Money.sum(listed.map(Money.parse))) }),
    ...(covered.length > 0 && {
      covered: { ...amountsOf(covered), ...(commitmentId !== undefined && { commitmentId }) },
    }),
  }
}

/** No quantity if a charge has none, or if meters of several kinds count differently. */
function amountsOf(charges: readonly Charge[]): { cost: string; quantity?: string } {
  const quantities = charges.map(({ quantity }) => quantity).filter((quantity) => quantity !== null)
  const isOneMeter = new Set(charges.map(({ meter }) => meter)).size === 1
  const isKnown = quantities.length === charges.length && isOneMeter
  const quantity = isKnown && Money.plain(Money.sum(quantities.map(Money.parse)))
  return { cost: Money.plain(costOf(charges)), ...(quantity !== false && { quantity }) }
}

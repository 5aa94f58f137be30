import type { Cloud } from '../../kernel/cloud.ts'
import { type ListPrice, type OwnPrice, priceBook } from '../pricing/prices.ts'
import type { Part } from '../subject.ts'

const place = { region: 'eu-central-1', currency: 'USD' } as const

function own(part: Part, sku: string, variant: string | undefined, paid: [cost: string, listCost: string]): OwnPrice {
  const [cost, listCost] = paid
  return {
    ...place,
    cloud: 'aws',
    part,
    sku,
    cost,
    listCost,
    quantity: '1000',
    ...(variant !== undefined && { variant }),
  }
}

function listed(cloud: Cloud, part: Part, price: string, sku: string, variant?: string): ListPrice {
  return { ...place, cloud, part, sku, price, asOf: '2026-10-01', ...(variant !== undefined && { variant }) }
}

const linux = 'Linux/UNIX'

/** Prices of the fixtures: the organization pays 88 % of the list for gp3, and 90 % for m5. */
export const book = priceBook(
  [own('storage', 'gp3', undefined, ['88', '100']), own('compute', 'm5.2xlarge', linux, ['414', '460'])],
  [
    listed('aws', 'storage', '0.1', 'gp3'),
    listed('aws', 'iops', '0.006', 'gp3'),
    listed('aws', 'throughput', '0.048', 'gp3'),
    listed('aws', 'compute', '0.115', 'm5.large', linux),
    listed('aws', 'compute', '0.23', 'm5.xlarge', linux),
    listed('aws', 'compute', '0.23', 'm6i.xlarge', linux),
    listed('aws', 'compute', '0.39', 'm7g.2xlarge', linux),
    listed('aws', 'compute', '0.096', 't3.large', linux),
    listed('aws', 'compute', '0.52', 'db.r5.xlarge', 'postgres Single-AZ'),
    listed('azure', 'compute', '0.23', 'Standard_D4s_v5', 'Linux'),
    listed('azure', 'storage', '5.89', 'S10 LRS'),
    listed('azure', 'storage', '9.6', 'E10 LRS'),
    listed('azure', 'operations', '0.002', 'E10 LRS'),
    listed('aws', 'backup', '0.054', 'EBS:SnapshotUsage'),
    listed('aws', 'backup', '0.095', 'RDS:ChargedBackupUsage'),
    listed('azure', 'backup', '0.05', 'Snapshots LRS'),
  ],
)

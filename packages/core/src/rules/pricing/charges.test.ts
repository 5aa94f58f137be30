import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Money from '../../kernel/money.ts'
import { type Charge, monthlyCost, ownPrices, partOf } from './charges.ts'

const charge = (more: Partial<Charge> = {}): Charge => ({
  cloud: 'aws',
  region: 'eu-central-1',
  meter: 'EUC1-BoxUsage:m5.large',
  service: 'Amazon Elastic Compute Cloud',
  currency: 'USD',
  effectiveCost: '70.08',
  listCost: '84.096',
  quantity: '730',
  commitmentId: null,
  commitmentStatus: null,
  ...more,
})

test.each([
  ['aws', '', 'EUC1-BoxUsage:m5.large', 'compute m5.large'],
  ['aws', '', 'BoxUsage:t3.micro', 'compute t3.micro'],
  ['aws', '', 'EUC1-InstanceUsage:db.r6g.large', 'compute db.r6g.large'],
  ['aws', '', 'EUC1-Multi-AZUsage:db.m5.xlarge', 'compute db.m5.xlarge'],
  ['aws', '', 'EUC1-NodeUsage:cache.m5.large', 'compute cache.m5.large'],
  ['aws', '', 'EUC1-ExtendedSupport:Yr1-Yr2:MySQL5.7', 'extended_support'],
  ['aws', '', 'EUC1-EBS:VolumeUsage.gp3', 'storage gp3'],
  ['aws', '', 'EBS:VolumeUsage', 'storage'],
  ['aws', '', 'EUC1-EBS:VolumeP-IOPS.gp3', 'iops gp3'],
  ['aws', '', 'EUC1-EBS:VolumeP-Throughput.gp3', 'throughput gp3'],
  ['aws', '', 'EUC1-EBS:SnapshotUsage', 'backup EBS:SnapshotUsage'],
  ['aws', '', 'EUC1-RDS:GP2-Storage', 'storage'],
  ['aws', '', 'EUC1-RDS:ChargedBackupUsage', 'backup RDS:ChargedBackupUsage'],
  ['aws', '', 'EUC1-TimedStorage-ByteHrs', 'storage'],
  ['aws', '', 'EUC1-PublicIPv4:IdleAddress', 'address'],
  ['aws', '', 'EUC1-NatGateway-Hours', 'gateway'],
  ['aws', '', 'EUC1-NatGateway-Bytes', 'processed'],
  ['aws', '', 'EUC1-LoadBalancerUsage', 'gateway'],
  ['aws', '', 'EUC1-ReadCapacityUnit-Hrs', 'capacity'],
  ['aws', '', 'EUC1-DataTransfer-Regional-Bytes', 'transfer_zone'],
  ['aws', '', 'EUC1-USE1-AWS-Out-Bytes', 'transfer_region'],
  ['aws', '', 'EUC1-DataTransfer-Out-Bytes', 'transfer_internet'],
  ['aws', '', 'EUC1-Requests-Tier1', 'other'],
  ['azure', 'Virtual Machines', 'D2s v5', 'compute Standard_D2s_v5'],
  ['azure', 'Virtual Machines', 'B4ms', 'compute Standard_B4ms'],
  ['azure', 'Virtual Machines', 'D2s v5 Spot', 'compute'],
  ['azure', 'Virtual Machines', 'D2 v3/D2s v3', 'compute'],
  ['azure', 'Virtual Machines Licenses', '2 vCPU VM License', 'license'],
  ['azure', 'Storage', 'P10 LRS Disk', 'storage P10 LRS'],
  ['azure', 'Storage', 'LRS Snapshots', 'backup'],
  ['azure', 'Virtual Network', 'Standard IPv4 Static Public IP', 'address'],
  ['azure', 'Load Balancer', 'Standard Included LB Rules and Outbound Rules', 'gateway'],
  ['azure', 'Bandwidth', 'Standard Data Transfer Out', 'transfer_internet'],
  ['gcp', 'Compute Engine', 'N2 Instance Core running in Frankfurt', 'compute'],
  ['gcp', 'Compute Engine', 'N2 Instance Ram running in Frankfurt', 'compute'],
  ['gcp', 'Compute Engine', 'SSD backed PD Capacity in Frankfurt', 'storage'],
  ['gcp', 'Compute Engine', 'Static Ip Charge in Frankfurt', 'address'],
  ['gcp', 'Compute Engine', 'Storage PD Snapshot in Frankfurt', 'backup Storage PD Snapshot'],
  ['gcp', 'Compute Engine', 'Network Inter Zone Egress', 'transfer_zone'],
  ['gcp', 'Compute Engine', 'Licensing Fee for Windows Server 2022 Datacenter Edition (CPU cost)', 'license'],
  ['gcp', 'Cloud SQL', 'Cloud SQL for PostgreSQL: Zonal - vCPU in Frankfurt', 'compute'],
] as const)('%s: %s %s', (cloud, service, meter, expected) => {
  const { part, sku } = partOf({ cloud, service, meter })
  expect([part, ...(sku === undefined ? [] : [sku])].join(' ')).toBe(expected)
})

test('a resource has its cost by part, with what commitments pay of it', () => {
  const plan = { commitmentId: 'plan-1', commitmentStatus: 'Used' } as const
  const charges = [
    charge(),
    charge({ ...plan, effectiveCost: '20', quantity: '270' }),
    charge({ meter: 'EUC1-EBS:VolumeUsage.gp3', effectiveCost: '8.8', listCost: '9', quantity: '100' }),
    charge({ meter: 'EUC1-EBS:VolumeUsage.gp2', effectiveCost: '1.1', listCost: '11', quantity: '10' }),
  ]
  expect(monthlyCost(charges)).toEqual({
    currency: 'USD',
    parts: [
      {
        part: 'compute',
        cost: '90.08',
        quantity: '1000',
        listCost: '84.096',
        covered: { cost: '20', quantity: '270', commitmentId: 'plan-1' },
      },
      { part: 'storage', cost: '9.9', listCost: '20' },
    ],
  })
  const unused = charge({ commitmentId: 'plan-1', commitmentStatus: 'Unused' })
  expect(monthlyCost([...charges, unused])).toEqual(monthlyCost(charges))
  expect(monthlyCost([])).toBeUndefined()
  const unlisted = monthlyCost([charge(), charge({ listCost: null })])
  expect(unlisted?.parts.map(({ listCost }) => listCost)).toEqual([undefined])
})

test('own prices are of usage without commitments, and have a list cost if all charges have one', () => {
  const variant = 'Linux/UNIX'
  const [price, ...others] = ownPrices([
    charge({ variant }),
    charge({ variant, effectiveCost: '9.6', quantity: '100', listCost: null }),
    charge({ commitmentId: 'plan-1', commitmentStatus: 'Used', variant }),
    charge({ meter: 'EUC1-Requests-Tier1' }),
    charge({ quantity: null }),
    charge({ variant, effectiveCost: '0' }),
    charge({ variant, effectiveCost: '-3' }),
  ])
  expect(others).toEqual([])
  expect(price).toEqual({
    cloud: 'aws',
    region: 'eu-central-1',
    part: 'compute',
    sku: 'm5.large',
    variant,
    currency: 'USD',
    quantity: '830',
    cost: '79.68',
  })
  expect(ownPrices([charge()])[0]?.listCost).toBe('84.096')
})

test('the parts add up to the charges, to the last digit', () => {
  const decimal = fc
    .bigInt({ min: -(10n ** 20n), max: 10n ** 20n })
    .map((value) => Money.plain(Money.parse(`${value}e-18`)))
  const any = fc.record({
    meter: fc.constantFrom('BoxUsage:m5.large', 'EBS:VolumeUsage.gp3', 'NatGateway-Bytes', 'unknown'),
    effectiveCost: decimal,
    commitmentStatus: fc.constantFrom('Used' as const, null),
  })
  fc.assert(
    fc.property(fc.array(any, { minLength: 1 }), (rows) => {
      const cost = monthlyCost(rows.map((row) => charge(row)))
      const total = Money.sum(rows.map(({ effectiveCost }) => Money.parse(effectiveCost)))
      expect(Money.sum((cost?.parts ?? []).map((part) => Money.parse(part.cost))).eq(total)).toBe(true)
    }),
  )
})

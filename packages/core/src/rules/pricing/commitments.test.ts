import { expect, test } from 'vitest'
import type { ListPrice } from '../../kernel/list-price.ts'
import { coverableKey, coveredUsage, offersOf } from './commitments.ts'

const region = 'eu-central-1'
const currency = 'USD'
const oneYear = { years: 1, payment: 'no_upfront' } as const

/** A price on demand of 1, and that of a commitment. */
function offered(cloud: ListPrice['cloud'], sku: string, variant: string | undefined, price: string): ListPrice[] {
  const own = { cloud, region, part: 'compute', sku, currency, asOf: '2026-11-01' } as const
  const row = { ...own, ...(variant !== undefined && { variant }) }
  return [
    { ...row, price: '1' },
    { ...row, price, term: oneYear },
  ]
}

test('the ratio is that of the variant whose usage is covered, in any order of the list', () => {
  const list = [
    ...offered('aws', 'm5.large', 'Windows', '0.8'),
    ...offered('aws', 'm5.large', 'Linux/UNIX', '0.6'),
    ...offered('aws', 'db.m5.large', 'sqlserver-se Single-AZ', '0.9'),
    ...offered('aws', 'db.m5.large', 'mysql Multi-AZ', '0.71'),
    ...offered('aws', 'db.m5.large', 'mysql Single-AZ', '0.7'),
    ...offered('aws', 'db.m5.large', 'postgres Single-AZ', '0.65'),
    ...offered('azure', 'Standard_D4s_v5', 'Windows', '0.9'),
    ...offered('azure', 'Standard_D4s_v5', 'Linux', '0.5'),
    ...offered('gcp', 'n2-standard-4', undefined, '0.63'),
  ]
  const place = { region, currency }
  const expected = new Map([
    [coverableKey({ cloud: 'aws', family: 'm5', ...place }), '0.6'],
    [coverableKey({ cloud: 'aws', family: 'db.m5', variant: 'mysql', ...place }), '0.7'],
    [coverableKey({ cloud: 'aws', family: 'db.m5', variant: 'postgres', ...place }), '0.65'],
    [coverableKey({ cloud: 'azure', family: 'Standard_Ds_v5', ...place }), '0.5'],
    [coverableKey({ cloud: 'gcp', family: 'n2', ...place }), '0.63'],
  ])
  for (const rows of [list, list.toReversed()]) {
    const found = [...offersOf(rows)].map(([key, offers]) => [key, offers.map(({ ratio }) => ratio)] as const)
    expect(new Map(found)).toEqual(new Map([...expected].map(([key, ratio]) => [key, [ratio]])))
  }
})

test('plans are offers of their own, for Windows and for usage without machines too', () => {
  const own = { cloud: 'aws', region, part: 'compute', currency, asOf: '2026-11-01' } as const
  const plan = (sku: string, price: string, name: 'compute' | 'ec2_instance', variant?: string): ListPrice[] => {
    const row = { ...own, sku, ...(variant !== undefined && { variant }) }
    return [
      { ...row, price: '1' },
      { ...row, price, term: { ...oneYear, plan: name } },
    ]
  }
  const offers = offersOf([
    ...offered('aws', 'm5.large', 'Linux/UNIX', '0.6'),
    ...plan('m5.large', '0.65', 'ec2_instance', 'Linux/UNIX'),
    ...plan('m5.large', '0.7', 'compute', 'Linux/UNIX'),
    ...offered('aws', 'm5.large', 'Windows', '0.8'),
    ...plan('m5.large', '0.85', 'ec2_instance', 'Windows'),
    ...plan('Lambda-GB-Second', '0.88', 'compute'),
  ])
  const found = [...offers].map(([key, some]) => [key, ...some.map(({ plan: name, ratio }) => `${name} ${ratio}`)])
  expect(found).toEqual([
    ['aws|eu-central-1|m5||usd', 'undefined 0.6', 'ec2_instance 0.65', 'compute 0.7'],
    ['aws|eu-central-1|m5|windows|usd', 'ec2_instance 0.85'],
    ['aws|eu-central-1|lambda-gb-second||usd', 'compute 0.88'],
  ])
})

const ec2 = 'Amazon Elastic Compute Cloud'
const rds = 'Amazon Relational Database Service'
const perHour = 'instance hour (or partial hour) running'

test.each([
  [ec2, 'EUC1-BoxUsage:m5.large', '$0.115 per On Demand Linux m5.large Instance Hour', { family: 'm5' }],
  ['AmazonEC2', 'BoxUsage:m5.large', '$0.096 per On Demand Linux m5.large Instance Hour', { family: 'm5' }],
  [
    ec2,
    'BoxUsage:m5.large',
    '$0.188 per On Demand Windows m5.large Instance Hour',
    { family: 'm5', variant: 'windows' },
  ],
  [ec2, 'BoxUsage:m5.large', '$0.7 per On Demand Windows with SQL Server Web m5.large Instance Hour', undefined],
  ['AWS Fargate', 'EUC1-Fargate-vCPU-Hours:perCPU', '', { family: 'Fargate-vCPU-Hours:perCPU' }],
  ['Amazon Elastic Container Service', 'Fargate-ARM-GB-Hours', '', { family: 'Fargate-ARM-GB-Hours' }],
  ['AWS Lambda', 'EUC1-Lambda-GB-Second-ARM', '', { family: 'Lambda-GB-Second-ARM' }],
  ['AWS Lambda', 'EUC1-Request', '', undefined],
  ['Amazon Elastic Container Service', 'EUC1-Fargate-Windows-vCPU-Hours:perCPU', '', undefined],
  [ec2, 'BoxUsage:m5.large', '$0.6 per On Demand Linux with SQL Server Standard m5.large Instance Hour', undefined],
  [ec2, 'BoxUsage:m5.large', '', undefined],
  [ec2, 'DedicatedUsage:m5.large', '$0.1 per Dedicated Usage Linux m5.large Instance Hour', undefined],
  [ec2, 'HostBoxUsage:m5.large', '$0 per On Demand Linux m5.large Instance Hour', undefined],
  ['Amazon Elastic MapReduce', 'BoxUsage:m5.large', '$0.1 per On Demand Linux m5.large Instance Hour', undefined],
  [rds, 'EUC1-InstanceUsage:db.m5.large', `$0.2 per RDS db.m5.large Single-AZ ${perHour} PostgreSQL`, 'postgres'],
  [rds, 'Multi-AZUsage:db.m5.large', `$0.4 per RDS db.m5.large Multi-AZ ${perHour} MySQL`, 'mysql'],
  [rds, 'InstanceUsage:db.m5.large', `$0.2 per RDS db.m5.large Single-AZ ${perHour} SQL Server SE (LI)`, undefined],
  [rds, 'InstanceUsage:db.m5.large', '', undefined],
  ['Amazon DocumentDB (with MongoDB compatibility)', 'InstanceUsage:db.m5.large', `${perHour} PostgreSQL`, undefined],
  ['Amazon Neptune', 'InstanceUsage:db.m5.large', `${perHour} PostgreSQL`, undefined],
  ['Amazon ElastiCache', 'NodeUsage:cache.m5.large', 'running Redis', undefined],
])('of AWS, %s %s (%s) is covered by %o', (service, meter, description, expected) => {
  const covered = typeof expected === 'string' ? { family: 'db.m5', variant: expected } : expected
  expect(coveredUsage({ cloud: 'aws', service, meter, description })).toEqual(covered)
})

test.each([
  ['Virtual Machines', 'Virtual Machines Dsv5 Series - D4s v5 - EU West', 'Standard_Ds_v5'],
  ['Virtual Machines', 'Virtual Machines Dsv5 Series Windows - D4s v5 - EU West', undefined],
  ['Virtual Machines', 'Virtual Machines Dsv5 Series CloudServices - D4s v5 - EU West', undefined],
  ['Virtual Machines', 'D4s v5', undefined],
  ['Azure Machine Learning', 'Virtual Machines Dsv5 Series - D4s v5 - EU West', undefined],
])('of Azure, %s (%s) is covered by %s', (service, description, family) => {
  expect(coveredUsage({ cloud: 'azure', service, meter: 'D4s v5', description })).toEqual(family && { family })
})
